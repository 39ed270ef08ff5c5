/** What `sluice` asks a cluster, prints of the answer, and ends with. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertIsTable, KEY, useAdmin } from './cluster-commands-support';
import { sluice } from './run-sluice';
import { NOW_MS, nodesView, nodeView, ORDER, progress } from './views';

const { admin, run } = useAdmin();

describe('sluice nodes', () => {
  test('shows masters first, what they carry, and how drains go', async () => {
    const media = nodeView('ND_media', {
      state: 'draining',
      rooms: 3,
      order: ORDER,
      record: {
        machineId: 'i-0abc',
        drain: progress({
          ...{ roomsLeft: 3, participantsLeft: 7, obstacle: 'no other node serves' },
          // One is of a kind that only a younger version knows.
          jobsLeft: 5,
          jobsLeftByKind: { egress: 2, ingress: 1, livekit_egress: 1 },
        }),
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
      /\nND_media drains \(sluice drain\): empty by the deadline in 1h \(force\), 3 Rooms, 7 participants, 2 Egresses, 1 Ingress, livekit\/egress, 1 job left; no other node serves\n/,
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

describe('sluice explain egress and ingress', () => {
  const explained = {
    ...{ kind: 'egress', type: 'track', cpus: 1, wouldGoTo: 'ND_1' },
    nodes: [{ nodeId: 'ND_1', verdict: 'chosen', reasons: [], sentences: ['it has\u001b room'] }],
  };

  test('ask for the type, and say where it would go and why', async () => {
    admin.answers.set('GET jobs/explain', [200, explained]);
    const { code, output } = await run('explain egress --type track');
    assert.equal(code, 0);
    assert.match(output, /^An Egress of type track needs 1 CPU cores, and would go to ND_1\.\n/);
    assert.match(output, /\n1\. ND_1, chosen: it has.* room\n$/);
    assert.ok(!output.includes('\u001b'));
    assert.equal(admin.asked[0]?.what, 'GET jobs/explain?kind=egress&type=track');
    assert.deepEqual(JSON.parse((await run('explain egress --json')).output), explained);
    assert.equal(admin.asked.at(-1)?.what, 'GET jobs/explain?kind=egress&type=room-composite');
    await run('explain ingress');
    assert.equal(admin.asked.at(-1)?.what, 'GET jobs/explain?kind=ingress&type=rtmp');
  });

  test('say which types there are', async () => {
    const { code, errors } = await run('explain ingress --type track');
    assert.equal(code, 2);
    assert.match(errors, /rtmp, whip, whip-bypass, url/);
  });
});

describe('sluice explain agent', () => {
  const explained = {
    ...{ room: 'demo', isRoomThere: true, agentNames: ['greeter'], jobs: [], more: 0 },
    workers: [
      {
        ...{ id: 'AW_1', nodeId: 'ND_1', agentName: 'greeter', type: 'JT_ROOM' },
        ...{ load: 0, chance: 0, sentence: 'it says\u001b that it is full' },
      },
    ],
  };

  test('asks for Room and agent, and says who would get the job', async () => {
    admin.answers.set('GET agents/explain', [200, explained]);
    const { code, output } = await run('explain agent --room demo --agent greeter');
    assert.equal(code, 0);
    assert.match(output, /^Agents for Room demo: greeter\.\nThe next job waits: no worker takes/);
    assert.match(
      output,
      /\n- AW_1 on ND_1, JT_ROOM, greeter, not now: it says.* that it is full\n$/,
    );
    assert.ok(!output.includes('\u001b'));
    assert.equal(admin.asked[0]?.what, 'GET agents/explain?room=demo&agent=greeter');
    const json = (await run('explain agent --room demo --json')).output;
    assert.deepEqual(JSON.parse(json), explained);
    assert.equal(admin.asked.at(-1)?.what, 'GET agents/explain?room=demo');
    assert.equal((await run('explain agent')).code, 2);
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
