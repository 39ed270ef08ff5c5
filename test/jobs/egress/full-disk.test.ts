import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { it } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Two small disks that nobody else sees. */
const SCRIPT = `set -e
mount -t tmpfs -o size=170m none /mnt
mkdir /mnt/work /mnt/small
mount -t tmpfs -o size=32k none /mnt/small
exec "$@" /mnt/work /mnt/small`;

it('ends a recording whose disk is full, keeps what there is, and leaves nothing', async () => {
  const program = join(__dirname, 'support/full-disk.ts');
  const { stdout } = await run(
    'unshare',
    [
      ...['--user', '--map-root-user', '--mount', 'sh', '-c', SCRIPT, 'sh'],
      ...[process.execPath, '--import', 'tsx', program],
    ],
    { timeout: 120_000 },
  );
  const { full, left, kept, tooSmall, inSmall, running } = JSON.parse(stdout);
  assert.equal(full.status, 'EGRESS_FAILED');
  assert.match(full.error, /the disk of the node is full: \d+ MiB are left/);
  assert.equal(full.errorCode, 500);
  assert.deepEqual(kept, ['f.mp4']);
  assert.deepEqual(left, []);
  assert.equal(tooSmall.status, 'EGRESS_FAILED');
  assert.match(tooSmall.error, /Writing of \/mnt\/small\/f\.mp4 failed: .*ENOSPC/);
  assert.deepEqual(inSmall, []);
  assert.deepEqual(running, []);
});
