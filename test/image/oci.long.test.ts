/** An OCI image from nothing but the sources, as oci.slow.test.ts has it from a root that is there. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { copySources } from './support/debian-root';
import { readLayout } from './support/oci-layout';

const EPOCH = '1700000000';

test('an image that is built twice, elsewhere and later, is the same to the byte', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-oci-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = (...names: readonly string[]): string => join(folder, ...names);
  copySources(path('one/src'));
  // With other times of its files.
  cpSync(path('one/src'), path('other/src'), { recursive: true });
  const worker = process.env['MEDIASOUP_WORKER_BIN'] ?? '';
  const [one, other] = ['one', 'other'].map((name) => {
    const options = ['--output', path(name, 'image'), '--worker', worker];
    execFileSync(path(name, 'src/node-image/image/oci.sh'), options, {
      env: { ...process.env, SOURCE_DATE_EPOCH: EPOCH },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return readLayout(path(name, 'image'));
  });
  const filesOf = (layer: Buffer): string[] =>
    execFileSync('tar', ['--list', '--verbose', '--numeric-owner', '--full-time'], {
      input: layer,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    }).split('\n');
  assert.deepEqual(one?.layers.map(filesOf), other?.layers.map(filesOf));
  assert.equal(one?.digest, other?.digest);
});
