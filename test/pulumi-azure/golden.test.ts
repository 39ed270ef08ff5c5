/**
 * A name is identity: what is called otherwise is made anew, and the old one deleted. SLUICE_GOLDEN=write
 * renews the lists.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ALL_KINDS, shipped, watched } from './support/shipped';
import type { World } from './support/world';

const WORLDS: readonly (readonly [string, () => Promise<World>])[] = [
  ...ALL_KINDS.map((kind) => [kind, () => shipped(kind)] as const),
  ['WatchedCluster', watched],
];

describe('the names of resources', () => {
  for (const [kind, worldOf] of WORLDS) {
    test(`of a ${kind} stay as they are`, async () => {
      const { registrations } = await worldOf();
      const list = [...registrations.values()].map(({ urn }) => `${urn}\n`).sort();
      assert.equal(new Set(list).size, list.length);
      const file = join(__dirname, 'golden', `${kind}.txt`);
      if (process.env['SLUICE_GOLDEN'] === 'write') writeFileSync(file, list.join(''));
      assert.equal(
        list.join(''),
        readFileSync(file, 'utf8'),
        `${kind}: resources have other names or parents; where that is meant, give those that had the old ones aliases, write the list by SLUICE_GOLDEN=write and read what changed`,
      );
    });
  }
});
