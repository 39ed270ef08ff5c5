/** What `sluice keys` and `sluice config` ask a cluster, print, and end with. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertIsTable, useAdmin } from './cluster-commands-support';
import { NOW_MS } from './views';

const { admin, run } = useAdmin();

describe('sluice keys', () => {
  test('add prints the secret once, alone on standard output', async () => {
    admin.answers.set('POST keys', [
      200,
      { apiKey: 'APInew', secret: 'new-secret', lasting: true },
    ]);
    const { code, output, errors } = await run('keys add');
    assert.equal(code, 0);
    assert.equal(output, 'API Key:  APInew\nAPI Secret:  new-secret\n');
    assert.match(errors, /not shown again/);
    admin.answers.set('POST keys', [200, { apiKey: 'A', secret: 'b', lasting: false }]);
    assert.match((await run('keys add')).errors, /this node only, until it ends/);
  });

  test('list shows where keys come from, and what is wrong', async () => {
    const keys = [
      { apiKey: 'devkey', source: 'configuration', state: 'retired', retiredAtMs: NOW_MS },
      { apiKey: 'APInew', source: 'cluster', state: 'usable', addedAtMs: NOW_MS },
    ];
    admin.answers.set('GET keys', [200, { keys, lasting: true, problem: 'of another secret' }]);
    const { output } = await run('keys list');
    assertIsTable(output);
    assert.match(output, /devkey .*configuration .*retired .*2026-01-02T03:04:05Z/);
    assert.match(output, /cannot be used: of another secret\.\n$/);
  });

  test('retire fails with the reason', async () => {
    const message = 'key is the only API key that can be used: add another one first.';
    admin.answers.set('DELETE keys/key', [409, { code: 'conflict', message }]);
    const { code, errors } = await run('keys retire key');
    assert.deepEqual([code, errors], [1, `${message}\n`]);
    admin.answers.set('DELETE keys/key', [200, { apiKey: 'key', changed: true, lasting: true }]);
    assert.equal((await run('keys retire key')).output, 'key is retired.\n');
  });
});

describe('sluice config', () => {
  const yaml = 'room:\n  max_participants: 5\n';

  test('set sends the file as it is, and says which version it is', async () => {
    admin.answers.set('PUT config', [200, { version: 3, warnings: ['config:1:1: odd'] }]);
    const ran = await run('config set room.yaml --replaces 2', { files: { 'room.yaml': yaml } });
    assert.equal(ran.code, 0);
    assert.match(ran.output, /^Announced as version 3\./);
    assert.equal(ran.errors, 'room.yaml:1:1: odd\n');
    assert.deepEqual(admin.asked[0]?.body, { yaml });
    assert.equal(admin.asked[0]?.what, 'PUT config?replaces=2');
  });

  test('set --check only checks', async () => {
    admin.answers.set('PUT config', [200, { warnings: [] }]);
    const ran = await run('config set --check -', { files: { '-': yaml } });
    assert.equal(ran.output, 'It can be announced.\n');
    assert.equal(admin.asked[0]?.what, 'PUT config?check=true');
  });

  test('set shows every problem by the name of the file, and ends with 2', async () => {
    const message = 'config:1:1: rom is not a known key\nconfig:2:3: keys cannot be announced';
    admin.answers.set('PUT config', [400, { code: 'invalid', message }]);
    const { code, errors } = await run('config set a.yaml', { files: { 'a.yaml': yaml } });
    assert.equal(code, 2);
    assert.equal(
      errors,
      'a.yaml:1:1: rom is not a known key\na.yaml:2:3: keys cannot be announced\n',
    );
    assert.deepEqual(
      [(await run('config set none.yaml')).code, (await run('config set none.yaml')).errors],
      [2, "none.yaml cannot be read: ENOENT: no such file or directory, open 'none.yaml'\n"],
    );
  });

  test('show prints what was announced, so that it can be set again', async () => {
    const announced = { yaml, version: 3, announcedAtMs: NOW_MS };
    admin.answers.set('GET config', [200, { announced, nodes: [] }]);
    const { output, errors } = await run('config show');
    assert.equal(output, yaml);
    assert.match(errors, /^Version 3, announced 2026-01-02T03:04:05Z\n$/);
    admin.answers.set('GET config', [200, { nodes: [] }]);
    assert.match((await run('config show')).output, /^# Nothing is announced/);
  });

  test('status shows which node has which version', async () => {
    const announced = { yaml, version: 3, announcedAtMs: NOW_MS };
    const node = (id: string, configVersion: number) => ({
      id,
      role: 'media',
      state: 'serving',
      configVersion,
    });
    const nodes = [node('ND_1', 3), node('ND_2', 0), node('ND_3', -3)];
    admin.answers.set('GET config', [200, { announced, nodes }]);
    const { output } = await run('config status');
    assert.match(output, /^Version 3 is announced; 2 nodes have an older one\.\n/);
    assertIsTable(output);
    assert.match(output, /ND_2 .*its file/);
    assert.match(output, /ND_3 .*its file: it cannot load 3, its log says why/);
    assert.deepEqual(JSON.parse((await run('config status --json')).output), { announced, nodes });
  });
});
