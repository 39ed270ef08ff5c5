/** What `sluice` asks a cluster, prints of the answer, and ends with. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { FakeAdmin } from './fake-admin';
import { type RunOptions, sluice } from './run-sluice';
import { NOW_MS, nodesView, nodeView, ORDER, progress } from './views';

const KEY = { LIVEKIT_API_KEY: 'key', LIVEKIT_API_SECRET: 'a-secret-that-is-in-no-output' };

let admin: FakeAdmin;
before(async () => {
  admin = new FakeAdmin();
  await admin.listen();
});
after(() => admin.close());
beforeEach(() => {
  admin.answers.clear();
  admin.asked.length = 0;
});

const run = (argv: string, options: RunOptions = {}) =>
  sluice([...argv.split(' '), '--url', admin.url], { env: KEY, ...options });

/** No line is longer, and all lines of the table are as long. */
function assertIsTable(output: string, columns = 100): void {
  const lines = output.split('\n').filter((line) => /^[|+]/.test(line));
  assert.ok(lines.length >= 4, output);
  assert.equal(new Set(lines.map((line) => line.length)).size, 1, output);
  assert.ok((lines[0]?.length ?? 0) <= columns, `${lines[0]?.length} columns`);
}

describe('sluice nodes', () => {
  test('shows masters first, what they carry, and how drains go', async () => {
    const media = nodeView('ND_media', {
      state: 'draining',
      rooms: 3,
      order: ORDER,
      record: {
        machineId: 'i-0abc',
        drain: progress({ roomsLeft: 3, participantsLeft: 7, obstacle: 'no other node serves' }),
      },
    });
    const load = { ...media.record.load, clients: 7, cpuLoad: 0.456, bytesPerSec: 1_230_000 };
    const answer = nodesView([
      { ...media, record: { ...media.record, load } },
      nodeView('ND_master', { record: { role: 'master' } }),
      nodeView('ND_silent', { stale: true, seenAgoMs: 7000 }),
    ]);
    admin.answers.set('GET nodes', [200, answer]);
    const { code, output } = await run('nodes');
    assert.equal(code, 0);
    assertIsTable(output);
    assert.ok(output.indexOf('ND_master') < output.indexOf('ND_media'));
    assert.match(output, /ND_media .*media .*draining .* 3 .* 7 .*46 %.*1\.2 MB\/s.*i-0abc.*1h 2m/);
    assert.match(output, /ND_silent .*media .*silent 7s/);
    assert.match(
      output,
      /\nND_media drains \(sluice drain\): empty by the deadline in 1h \(force\), 3 Rooms and 7 participants left; no other node serves\n/,
    );
    assert.deepEqual(admin.asked[0]?.claims, { clusterAdmin: true });
    assert.equal(admin.asked[0]?.issuer, 'key');
  });

  test('prints what the cluster answered, as JSON', async () => {
    const view = nodesView([nodeView('ND_1')]);
    admin.answers.set('GET nodes', [200, view]);
    const { output } = await run('nodes --json');
    assert.deepEqual(JSON.parse(output), JSON.parse(JSON.stringify(view)));
  });

  test('says so where there are none', async () => {
    admin.answers.set('GET nodes', [200, nodesView([])]);
    assert.equal((await run('nodes')).output, 'The cluster has no nodes.\n');
  });
});

describe('sluice rooms', () => {
  const rooms = [
    { name: 'zoo', nodeId: 'ND_1', epoch: 2, sid: 'RM_1', participants: 2, publishers: 1 },
    { name: `a${'q'.repeat(250)}`, nodeId: 'ND_2', epoch: 1, movedFrom: 'ND_1' },
    { name: 'evil\u001b[2Jroom\u202e', nodeId: 'ND_1', epoch: 1 },
    { name: '会議室', nodeId: 'ND_1', epoch: 1 },
  ];

  test('fits its table, whatever names there are, and obeys none of them', async () => {
    admin.answers.set('GET rooms', [200, { rooms }]);
    const { output } = await run('rooms');
    assert.ok(output.split('\n').every((line) => line.length <= 100));
    assert.ok(!output.includes('\u001b') && !output.includes('\u202e'));
    assert.match(output, /evil\\u\{1b\}\[2Jroom\\u\{202e\}/);
    assert.equal(output.match(/q/g)?.length, 250, 'of the long name nothing is lost');
    assert.match(output, /zoo .*ND_1 .*RM_1 .* 2 .* 1 /);
    const narrow = (await run('rooms', { columns: 60 })).output;
    assert.ok(Math.max(...narrow.split('\n').map((line) => line.length)) < 100);
  });

  test('shows those of one node, who is named in any way', async () => {
    admin.answers.set('GET rooms', [200, { rooms }]);
    admin.answers.set('GET nodes/i-0abc', [200, nodeView('ND_2')]);
    const { output } = await run('rooms --node i-0abc --json');
    assert.deepEqual(
      JSON.parse(output).rooms.map(({ nodeId }: { nodeId: string }) => nodeId),
      ['ND_2'],
    );
    admin.answers.set('GET rooms', [200, { rooms: [] }]);
    assert.equal((await run('rooms --node i-0abc')).output, 'ND_2 hosts no Room.\n');
  });
});

describe('sluice explain', () => {
  test('says where a Room is and where it would go', async () => {
    const explained = { room: 'demo', wouldGoTo: 'ND_1', nodes: [] };
    admin.answers.set('GET rooms/demo/explain', [200, explained]);
    const { code, output } = await run('explain room demo');
    assert.equal(code, 0);
    assert.match(output, /^Room demo runs nowhere\.\n.*would go to ND_1\.\n$/);
    assert.deepEqual(JSON.parse((await run('explain room demo --json')).output), explained);
  });

  test('asks for the very name', async () => {
    await sluice(['explain', 'room', 'a/b c', '--url', admin.url], { env: KEY });
    assert.equal(admin.asked[0]?.what, 'GET rooms/a%2Fb%20c/explain');
  });
});

describe('sluice undrain', () => {
  test('says whether there was anything to cancel', async () => {
    admin.answers.set('POST nodes/ND_1/undrain', [200, { nodeId: 'ND_1', order: ORDER }]);
    assert.match((await run('undrain ND_1')).output, /^ND_1 drains no more \(.*sluice drain\)/);
    admin.answers.set('POST nodes/ND_1/undrain', [200, { nodeId: 'ND_1' }]);
    assert.match((await run('undrain ND_1')).output, /nothing to cancel/);
  });

  test('fails with the reason where the order is final', async () => {
    const message = 'The drain cannot be taken back: the cloud has been told.';
    admin.answers.set('POST nodes/ND_1/undrain', [409, { code: 'conflict', message }]);
    const { code, errors, output } = await run('undrain ND_1');
    assert.deepEqual([code, errors, output], [1, `${message}\n`, '']);
  });
});

describe('sluice remove', () => {
  test('says what is lost', async () => {
    const lost = { rooms: Array.from({ length: 12 }, (_, i) => `room${i}`), participants: 30 };
    const answer = { nodeId: 'ND_1', outcome: 'forgotten', lost, message: 'ND_1 is forgotten.' };
    admin.answers.set('DELETE nodes/ND_1', [200, answer]);
    const { code, output } = await run('remove ND_1 --force');
    assert.equal(code, 0);
    assert.match(
      output,
      /^ND_1 is forgotten\.\nInterrupted: 12 Rooms with 30 participants: room0, /,
    );
    assert.match(output, /room9 and 2 more\n$/);
    assert.equal(admin.asked[0]?.what, 'DELETE nodes/ND_1?force=true');
  });

  test('drains a node that lives first, and takes it out once it is empty', async () => {
    let isEmpty = false;
    const node = () => nodeView('ND_1', { state: isEmpty ? 'drained' : 'draining', order: ORDER });
    admin.answers.set('GET nodes/ND_1', [200, nodeView('ND_1', { rooms: 2 })]);
    admin.answers.set('POST nodes/ND_1/drain', [
      200,
      { nodeId: 'ND_1', order: ORDER, changed: true, nowMs: NOW_MS },
    ]);
    admin.answers.set('GET nodes', () => [200, nodesView([node()])]);
    const lost = { rooms: [], participants: 0 };
    const answer = { nodeId: 'ND_1', outcome: 'ordered', lost, message: 'ND_1 is out.' };
    admin.answers.set('DELETE nodes/ND_1', [200, answer]);
    const { code, output } = await run('remove ND_1 --patience 0 --deadline 5m', {
      onSleep: () => {
        isEmpty = true;
      },
    });
    assert.deepEqual([code, output], [0, 'ND_1 is out.\nNothing is lost: it hosted no Room.\n']);
    const asked = admin.asked.filter(({ what }) => !what.startsWith('GET'));
    assert.deepEqual(asked[0]?.body, { patience: 0, deadline: 300_000, reason: 'sluice remove' });
    assert.equal(asked[1]?.what, 'DELETE nodes/ND_1?force=false');
  });

  test('is done where the process of the drained node has ended by then', async () => {
    admin.answers.set('GET nodes/media', [200, nodeView('ND_1')]);
    admin.answers.set('POST nodes/ND_1/drain', [
      200,
      { nodeId: 'ND_1', order: ORDER, changed: true, nowMs: NOW_MS },
    ]);
    admin.answers.set('GET nodes', [200, nodesView([])]);
    admin.answers.set('GET rooms', [200, { rooms: [] }]);
    const { code, output } = await run('remove media');
    assert.deepEqual([code, output.split('\n')[0]], [0, 'ND_1 has ended by itself.']);
  });

  test('leaves a node where its drain was cancelled', async () => {
    admin.answers.set('GET nodes/ND_1', [200, nodeView('ND_1')]);
    admin.answers.set('POST nodes/ND_1/drain', [
      200,
      { nodeId: 'ND_1', order: ORDER, changed: true, nowMs: NOW_MS },
    ]);
    admin.answers.set('GET nodes', [200, nodesView([nodeView('ND_1')])]);
    const { code, errors } = await run('remove ND_1');
    assert.equal(code, 1);
    assert.match(errors, /^The drain of ND_1 was cancelled, so it stays/);
    assert.ok(!admin.asked.some(({ what }) => what.startsWith('DELETE')));
  });

  test('asks no drain of a node that says nothing any more', async () => {
    const message = 'ND_1 lives, with 2 Rooms. Drain it, or use force.';
    admin.answers.set('GET nodes/ND_1', [200, nodeView('ND_1', { stale: true })]);
    admin.answers.set('DELETE nodes/ND_1', [409, { code: 'conflict', message }]);
    const { code, errors } = await run('remove ND_1');
    assert.deepEqual([code, errors], [1, `${message}\n`]);
    assert.equal(admin.asked[1]?.what, 'DELETE nodes/ND_1?force=false');
  });
});

describe('sluice audit', () => {
  test('shows the newest last', async () => {
    const entries = [
      { atMs: NOW_MS + 1000, by: 'ND_1', text: 'second' },
      { atMs: NOW_MS, by: 'ND_1', text: 'first' },
    ];
    admin.answers.set('GET audit', [200, { entries }]);
    const { output } = await run('audit --limit 2');
    assertIsTable(output);
    assert.match(output, /2026-01-02T03:04:05Z .*first[\s\S]*2026-01-02T03:04:06Z .*second/);
    assert.equal(admin.asked[0]?.what, 'GET audit?limit=2');
    assert.deepEqual(JSON.parse((await run('audit --json')).output), { entries });
    assert.equal((await run('audit --limit 0')).code, 2);
  });
});

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

describe('a cluster that refuses or is away', () => {
  test('is one sentence, and its exit code', async () => {
    for (const [answer, expected, told] of [
      [[401, { code: 'unauthenticated', message: 'invalid API key' }], 1, /^invalid API key\n$/],
      [
        [404, { code: 'not_found', message: 'No node is called X.' }],
        1,
        /^No node is called X\.\n$/,
      ],
      [[400, { code: 'invalid', message: 'In the body, ...' }], 2, /^In the body/],
      [
        [503, { code: 'unavailable', message: 'The registry does not answer.' }],
        3,
        /^The registry/,
      ],
      [[500, { code: 'internal', message: 'internal error' }], 1, /^internal error\n$/],
      [[200, 'OK'], 3, /has no admin API of Sluice. Give the URL of a Master Node\.\n$/],
    ] as const) {
      admin.answers.set('GET nodes', answer);
      const { code, errors, output } = await run('nodes');
      assert.deepEqual([code, output], [expected, ''], errors);
      assert.match(errors, told);
    }
  });

  test('is told apart from one that is not there', async () => {
    const { code, errors } = await sluice(['nodes', '--url', 'http://127.0.0.1:1'], { env: KEY });
    assert.equal(code, 3);
    assert.match(
      errors,
      /^No Master Node answers at http:\/\/127\.0\.0\.1:1: .*Is it running.*\n$/,
    );
  });
});
