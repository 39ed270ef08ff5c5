/** Where `sluice backup` and `sluice restore` have a passphrase from, and what they say. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readPassphrase } from '../../node-image/cli/passphrase';
import { until, within } from '../support/wait';
import { ioOf } from './passphrase-io';

const BIN = join(__dirname, '../../bin/sluice');
let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-cli-backup-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

test('a passphrase is what a file has, but for the newline at its end', async () => {
  const read = (text: string) =>
    readPassphrase({ io: ioOf({ secret: text }), file: 'secret', isNew: true });
  assert.equal(await read('correct horse\n'), 'correct horse');
  assert.equal(await read('correct horse\r\n'), 'correct horse');
  assert.equal(await read(' two\nlines \n'), ' two\nlines ');
  await assert.rejects(readPassphrase({ io: ioOf({}), file: 'gone', isNew: true }), {
    message: /--passphrase-file gone cannot be read: /,
  });
});

test('a new one is asked for twice, and has to be the same', async () => {
  const asked: string[] = [];
  const answers = ['one', 'one', 'one', 'other', 'once'];
  const ask = async (question: string): Promise<string> => {
    asked.push(question);
    return answers.shift() ?? '';
  };
  const io = ioOf({});
  assert.equal(await readPassphrase({ io, isNew: true, ask }), 'one');
  await assert.rejects(readPassphrase({ io, isNew: true, ask }), {
    message: 'The two are not the same: run this again.',
  });
  assert.equal(await readPassphrase({ io, isNew: false, ask }), 'once');
  assert.equal(asked.length, 5);
});

test('without a terminal and a file it says which option there is', () => {
  const { status, stderr } = spawnSync(BIN, ['backup', join(folder, 'x.age')], {
    input: '',
    encoding: 'utf8',
  });
  assert.equal(status, 2, stderr);
  assert.match(
    stderr,
    /^There is no terminal .*: give --passphrase-file, - for standard input\.\n$/,
  );
});

test('at a terminal nothing is shown of what is typed', { timeout: 60_000 }, async () => {
  const config = join(folder, 'sluice.yaml');
  writeFileSync(config, 'keys: { APIexample: a-secret-of-32-characters-or-more }\n', {
    mode: 0o600,
  });
  const file = join(folder, 'single.age');
  // script(1) has a terminal for it.
  const command = `${BIN} backup ${file} --config ${config}`;
  const child = spawn('script', ['-qec', command, '/dev/null'], { stdio: 'pipe' });
  let shown = '';
  child.stdout.on('data', (chunk) => {
    shown += String(chunk);
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  for (const question of ['Passphrase: ', 'Once more: ']) {
    await until(question, () => shown.includes(question), { explain: () => shown });
    child.stdin.write('correct horse battery\r');
  }
  assert.equal(await within('the backup', ended, 40_000), 0, shown);
  assert.ok(existsSync(file), shown);
  assert.doesNotMatch(shown, /horse/);
  assert.match(shown, /has 1 files, 0 documents of the registry/);
});

test('a Single Node comes back with both commands', { timeout: 60_000 }, () => {
  const config = join(folder, 'own.yaml');
  const text = 'keys: { APIexample: a-secret-of-32-characters-or-more }\n';
  writeFileSync(config, text, { mode: 0o600 });
  const file = join(folder, 'own.age');
  const run = (...args: readonly string[]) =>
    spawnSync(BIN, [...args, '--passphrase-file', '-'], {
      input: 'correct horse battery\n',
      encoding: 'utf8',
    });
  const made = run('backup', file, '--config', config);
  assert.equal(made.status, 0, made.stderr);
  rmSync(config);
  const done = run('restore', file);
  assert.equal(done.status, 0, done.stderr);
  assert.match(done.stdout, new RegExp(`1 files, .*\nStart the node with ${config}\\.\n$`));
  assert.equal(readFileSync(config, 'utf8'), text);
  const again = spawnSync(BIN, ['restore', file, '--passphrase-file', '-'], {
    input: 'another one, a wrong one',
    encoding: 'utf8',
  });
  assert.equal(again.status, 1);
  assert.match(again.stderr, /^The passphrase is not the one that .*: give that one\.\n$/);
});
