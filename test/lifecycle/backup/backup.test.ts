/** Backups as they are made, over a real Redis. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { packFiles, unpackFiles } from '../../../node-image/lifecycle/backup/archive';
import { readBackup } from '../../../node-image/lifecycle/backup/manifest';
import { openFile } from '../../../node-image/lifecycle/backup/sealed-file';
import { CONFIG, eachInAWorld, PASSPHRASE } from './support';

describe('a backup', () => {
  const current = eachInAWorld();

  it('is of one moment, however much is written meanwhile', async () => {
    const world = current();
    world.writeNode();
    const { registry } = await world.fill();
    let writing = true;
    const writer = (async () => {
      for (let version = 2; writing && version < 100_000; version += 1) {
        // Each audit entry tells of a document that is there already.
        await registry.writeDocument('config', `n: ${version}`, version);
        await registry.audit({ by: 'M1', text: `config ${version}` });
      }
    })();
    for (let round = 0; round < 10; round += 1) {
      await world.make({ force: true });
      const plain = await openFile(readFileSync(world.file), PASSPHRASE, world.file);
      const { registry: copy } = await readBackup(plain, world.file);
      const written = Number(/\d+/.exec(copy?.documents['config']?.value ?? '')?.[0] ?? 1);
      const told = Number(/config (\d+)/.exec(copy?.audit[0] ?? '')?.[1] ?? 1);
      assert.ok(written === told || written === told + 1, `${written} is written, ${told} is told`);
    }
    writing = false;
    await writer;
  });

  it('says why it cannot be made, and leaves nothing', async () => {
    const world = current();
    world.writeNode();
    await world.make();
    await assert.rejects(world.make(), {
      message: /is there already: give another name, or --force/,
    });
    await assert.rejects(world.make({ passphrase: 'short' }), {
      message: /has 5 characters: give one of 12 or more/,
    });
    await assert.rejects(world.make({ file: world.path('no/such/folder') }), {
      message: /cannot be written: ENOENT/,
    });
    world.writeNode('media');
    await assert.rejects(world.make({ file: `${world.file}2` }), {
      message: /Media Node, .* on a Master Node/,
    });
    world.write(CONFIG, '{"sluice": {"rol": "master"}}');
    await assert.rejects(world.make({ file: `${world.file}2` }), { message: /rol/ });
    assert.deepEqual(readdirSync(world.root).sort(), ['sluice.age', 'srv']);
  });

  it('can be read without Sluice: it is a tar, also with long names', async () => {
    const long = `/srv/${'a-rather-long-name/'.repeat(20)}end`;
    const files = [
      { path: long, content: Buffer.from('x'.repeat(513)), mode: 0o640, user: 'a', group: 'b' },
      { path: '/srv/ä', content: Buffer.alloc(0), mode: 0o600, user: 'root', group: 'root' },
    ];
    assert.deepEqual(await unpackFiles(packFiles(files, new Date())), files);
    const listed = execFileSync('tar', ['-tf', '-'], { input: packFiles(files, new Date()) });
    assert.match(listed.toString(), /a-rather-long-name\/end\n/);
  });
});
