import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { KeyRing } from '../../node-image/api/key-ring';
import { KeyFile, onHangup } from '../../node-image/lifecycle/key-file';
import { fakeLog } from '../cluster/shared-support';
import { until } from '../support/wait';

let folder = '';
let path = '';
let keys: KeyRing;
let log: ReturnType<typeof fakeLog>;
let file: KeyFile | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-keys-'));
  path = join(folder, 'keys.yaml');
  write('first: secret-of-the-first');
  keys = new KeyRing({ configured: { first: 'secret-of-the-first' } });
  log = fakeLog();
});
afterEach(() => {
  file?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Puts a new file in its place, as secret stores do. */
function write(text: string, mode = 0o600): void {
  const next = join(folder, 'next');
  writeFileSync(next, text, { mode });
  renameSync(next, path);
}

const open = (pollMs = 20): KeyFile => {
  file = new KeyFile({ path, keys, log, pollMs });
  return file;
};

test('a key_file that is replaced brings its keys, and takes away those it lacks', async () => {
  open();
  write('second: secret-of-the-second');
  await until('the new key is there', () => keys.secretOf('second') !== undefined);
  assert.equal(keys.secretOf('first'), undefined);
  assert.ok(!log.lines.join().includes('secret-of'));
});

test('a key_file that changed while the node started is read as it is now', () => {
  write('second: secret-of-the-second');
  open(60_000);
  assert.ok(keys.secretOf('second'));
});

test('a key_file that cannot be used changes nothing, and is told of without its content', () => {
  const reloaded = open(60_000);
  for (const [text, mode, told] of [
    ['something: [else, than-keys]', 0o600, /holds no "key: secret" lines/],
    ['', 0o600, /holds no/],
    ['open: to-everybody', 0o604, /mode 0604, open to other users.*chmod 600/],
  ] as const) {
    write(text, mode);
    reloaded.reload();
    assert.ok(keys.secretOf('first'));
    assert.match(log.lines.at(-1) ?? '', told);
  }
  rmSync(path);
  reloaded.reload();
  assert.ok(keys.secretOf('first'));
  assert.match(log.lines.at(-1) ?? '', /cannot be read.*go on/);
  assert.ok(!log.lines.join().includes('everybody'));
});

test('a key_file is read anew on SIGHUP', async () => {
  const reloaded = open(60_000);
  const stop = onHangup(() => reloaded.reload(), false);
  try {
    write('second: secret-of-the-second');
    process.kill(process.pid, 'SIGHUP');
    await until('the new key is there', () => keys.secretOf('second') !== undefined);
  } finally {
    stop();
  }
  assert.equal(process.listenerCount('SIGHUP'), 0);
});

test('at a terminal SIGHUP ends the program, as ever', () => {
  onHangup(() => {}, true);
  assert.equal(process.listenerCount('SIGHUP'), 0);
});
