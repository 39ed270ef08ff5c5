/** Parts of the local cluster that need no processes. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { PORTS, PORTS_ON_REQUEST } from '../../../node-image/contract';
import { loadConfig } from '../../../node-image/lifecycle/config';
import { ChildLog } from '../../../node-image/lifecycle/local/child-log';
import { greeting } from '../../../node-image/lifecycle/local/greeting';
import { findRedisServer } from '../../../node-image/lifecycle/local/local-redis';
import {
  writeMasterConfig,
  writeMediaConfig,
} from '../../../node-image/lifecycle/local/node-config';
import {
  findRtmpPort,
  findSlotPorts,
  isTcpPortFree,
} from '../../../node-image/lifecycle/local/slot-ports';

test('what a node logs is shown as one line, with its name, from a level on', () => {
  const lines: string[] = [];
  const messages: unknown[] = [];
  const log = new ChildLog({
    name: 'media-1',
    width: 8,
    print: (line) => lines.push(line),
    onEntry: ({ msg }) => messages.push(msg),
  });
  const entry = (more: object) => JSON.stringify({ time: 'now', node_id: 'ND_1', ...more });
  log.line(entry({ level: 'debug', msg: 'a' }));
  log.line(entry({ level: 'info', msg: 'b', component: 'room', room: 'demo', size: 2 }));
  log.line(entry({ level: 'warn', msg: 'c', err: { message: 'no\nway', stack: 'x' } }));
  log.line(entry({ level: 'fatal', msg: 'd', text: 'y'.repeat(1000) }));
  log.line('{not JSON');
  log.line('no JSON');
  assert.deepEqual(lines, [
    'media-1   room: b  room=demo  size=2',
    'media-1   WARN c  err=no way',
    `media-1   FATAL d  text=${'y'.repeat(200)}…`,
    'media-1   {not JSON',
    'media-1   no JSON',
  ]);
  assert.deepEqual(messages, ['a', 'b', 'c', 'd']);
  log.silence();
  log.line(entry({ level: 'error', msg: 'e' }));
  assert.equal(lines.length, 5);
  assert.match(log.last, /media-1 {3}ERROR e$/);
});

test('each node has the lowest ports that nobody uses', async () => {
  const first = await findSlotPorts(new Set());
  assert.ok(first);
  const { base, ...ports } = first;
  assert.deepEqual(ports, {
    health: 7880 + base,
    nodeLink: 7870 + base,
    iceUdp: 50_000 + base,
    iceTcp: 7881 + base,
  });
  const server = createServer().listen(first.nodeLink, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  assert.equal(await isTcpPortFree(first.nodeLink, '127.0.0.1'), false);
  const second = await findSlotPorts(new Set());
  assert.ok(second && second.base > base);
  const third = await findSlotPorts(new Set([second.base]));
  assert.ok(third && third.base > second.base);
  server.close();
  const all = new Set([1, 2, 3, 4, 5, 6, 7, 8].map((number) => number * 1000));
  assert.equal(await findSlotPorts(all), undefined);
});

test('encoders have the port that they expect, or another one', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  // As far from 1935 as this is from 7880.
  const taken = port - PORTS_ON_REQUEST.rtmp + PORTS.http;
  try {
    assert.notEqual(await findRtmpPort(taken), port);
    assert.ok((await findRtmpPort(80)) >= 1024);
  } finally {
    server.close();
    await once(server, 'close');
  }
  assert.equal(await findRtmpPort(taken), port);
});

test('the nodes load what is written for them, without a warning', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'configs-'));
  const facts = {
    folder,
    redis: { address: '127.0.0.1:6399', password: 'a: "b' },
    clusterSecret: 's'.repeat(64),
    port: 7990,
    rtmpPort: 2045,
    groupSocket: join(folder, 'group.sock'),
    minNodes: 1,
    maxNodes: 4,
    recordings: join(folder, 'recordings'),
    settings: {
      scaling: { target_load: 0.3 },
      drain: { deadline: '20s' },
      ledger: { room_cpu_cost: 0.02 },
    },
  } as const;
  const ports = { base: 1000, health: 8880, nodeLink: 8870, iceUdp: 51_000, iceTcp: 8881 };
  const master = await writeMasterConfig(facts);
  const media = await writeMediaConfig(facts, 'media-1', ports);
  const load = (file: string) => loadConfig({ argv: ['--config', file], env: {}, cores: 8 });
  try {
    assert.deepEqual([...load(master).warnings, ...load(media).warnings], []);
    const { sluice, port, redis, bind_addresses, keys } = load(master).config;
    assert.deepEqual([sluice.role, port, redis.password], ['master', 7990, 'a: "b']);
    assert.deepEqual([bind_addresses, keys], [['127.0.0.1', '::1'], { devkey: 'secret' }]);
    assert.equal(sluice.scaling.group_socket, facts.groupSocket);
    const { ingress } = load(master).config;
    assert.deepEqual(
      [ingress.rtmp_port, ingress.rtmp_base_url, ingress.whip_base_url],
      [2045, 'rtmp://127.0.0.1:2045/live', 'http://127.0.0.1:7990/whip'],
    );
    assert.ok(sluice.scaling.scale_in_after >= 60_000);
    assert.equal(sluice.scaling.target_load, 0.3);
    const node = load(media).config;
    assert.equal(node.egress.local_directory, facts.recordings);
    const { drain, ledger } = node.sluice;
    assert.deepEqual(
      [drain.patience, drain.deadline, ledger.room_cpu_cost],
      [10_000, 20_000, 0.02],
    );
    assert.deepEqual(node.sluice.node_link, { address: '127.0.0.1', port: 8870 });
    assert.equal(node.sluice.machine_id, 'media-1');
    assert.equal(node.sluice.load_scope, 'processes');
    assert.deepEqual([node.sluice.workers, node.rtc.port_range_start], [1, 51_000]);
    for (const file of [master, media]) assert.equal(statSync(file).mode & 0o777, 0o600);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('redis-server is looked for where it is said to be, or in the PATH', () => {
  assert.equal(findRedisServer({ REDIS_SERVER_BIN: process.execPath }), process.execPath);
  assert.equal(
    findRedisServer({ REDIS_SERVER_BIN: '/nowhere', PATH: process.env['PATH'] }),
    undefined,
  );
  assert.match(findRedisServer({ PATH: process.env['PATH'] }) ?? '', /redis-server$/);
});

test('the greeting says where to ask, where that is not the usual port', () => {
  const usual = greeting({ port: 7880, rtmpPort: 1935, mediaNodes: 2 });
  assert.match(usual, /bin\/sluice nodes --dev +the nodes/);
  assert.doesNotMatch(usual, /--url/);
  assert.match(usual, /For encoders +rtmp:\/\/127\.0\.0\.1:1935\/live\n/);
  assert.match(
    greeting({ port: 7990, rtmpPort: 2045, mediaNodes: 1 }),
    /1 Media Node\.[\s\S]*--url http:\/\/127\.0\.0\.1:7990 /,
  );
});
