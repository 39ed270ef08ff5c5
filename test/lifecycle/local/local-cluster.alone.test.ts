/** The supervisor of a local cluster, with stand-ins for its nodes and a real Redis. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { Redis } from 'ioredis';
import { SocketGroup } from '../../../node-image/cluster/local-group-client';
import { until, within } from '../../support/wait';
import { below, isAlive, type Up, up, upAndReady } from './support';

const options = { timeout: 90_000 };
const started: Up[] = [];
const tracked = async (running: Promise<Up>): Promise<Up> => {
  const one = await running;
  started.push(one);
  return one;
};
afterEach(async () => {
  for (const one of started.splice(0)) {
    one.child.kill('SIGINT');
    await within('it to end', one.ended, 15_000);
  }
});

interface NodeConfig {
  readonly port: number;
  readonly redis: { readonly address: string; readonly password: string };
  readonly rtc: { readonly tcp_port: number; readonly port_range_start: number };
  readonly sluice: {
    readonly role: string;
    readonly cluster: { readonly secret: string };
    readonly node_link: { readonly port: number };
    readonly scaling: { readonly group_socket: string };
  };
}
const configOf = async (port: number): Promise<NodeConfig> =>
  (await (await fetch(`http://127.0.0.1:${port}/`)).json()) as NodeConfig;

test('one master and two Media Nodes come up, with what they need', options, async () => {
  const running = await tracked(upAndReady());
  const { port, output } = running;
  assert.match(output(), /an elastic cluster of 1 Master Node and 2 Media Nodes/);
  assert.match(output(), new RegExp(`http://127\\.0\\.0\\.1:${port}/meet\\?room=demo`));
  assert.match(output(), /devkey, secret/);
  assert.doesNotMatch(output(), /nobody reads this/);

  const master = await configOf(port);
  assert.equal(master.sluice.role, 'master');
  assert.ok(master.sluice.cluster.secret.length >= 32);
  assert.match(await redisSays(master.redis.address, 'PING'), /^-NOAUTH/);
  assert.match(await redisSays(master.redis.address, `AUTH ${master.redis.password}`), /^\+OK/);

  const folder = join(master.sluice.scaling.group_socket, '..');
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  for (const name of ['group.sock', 'master.yaml', 'media-1.yaml', 'media-2.yaml', 'redis.conf']) {
    assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
  }
  for (const pid of below(running.child.pid ?? 0)) {
    const { password } = master.redis;
    const command = commandOf(pid);
    assert.ok(!command.includes(password) && !command.includes(master.sluice.cluster.secret));
  }
});

test('the group grows and ends machines, each with ports of its own', options, async () => {
  const running = await tracked(upAndReady());
  const { sluice } = await configOf(running.port);
  const group = new SocketGroup({ socket: sluice.scaling.group_socket });
  const ids = async () => (await group.describe()).machines.map(({ id }) => id).sort();
  assert.equal((await group.describe()).wanted, 2);
  await group.grow(2);
  await until('four to run', async () => {
    const { machines } = await group.describe();
    return machines.filter(({ state }) => state === 'running').length === 4;
  });
  await assert.rejects(group.grow(1), /answers 409.*allowed are 4 in all/);
  await group.terminate('media-2');
  await group.terminate('media-2');
  await group.terminate('media-99');
  assert.equal((await group.describe()).wanted, 3);
  await until('three to be left', async () => (await ids()).length === 3);
  assert.match(running.output(), /^media-2 +told to end by SIGTERM$/m);
  await group.grow(1);
  assert.deepEqual(await ids(), ['media-1', 'media-3', 'media-4', 'media-5']);
  await until('the new one to serve', () => running.pidOf('media-5'));
});

test('whoever dies is started again', options, async () => {
  const running = await tracked(upAndReady());
  const { redis } = await configOf(running.port);
  for (const name of ['master', 'media-1']) {
    const before = running.pidOf(name);
    process.kill(before, 'SIGKILL');
    await until(`${name} to serve again`, () => running.pidOf(name) !== before, {
      explain: running.output,
    });
    assert.match(
      running.output(),
      new RegExp(`^${name} +was ended by SIGKILL; it is started`, 'm'),
    );
  }
  const server = below(running.child.pid ?? 0).find((pid) =>
    /^\S*redis-server/.test(commandOf(pid)),
  );
  process.kill(server ?? 0, 'SIGKILL');
  const [host, port] = redis.address.split(':');
  const client = new Redis({ host: host ?? '', port: Number(port), password: redis.password });
  client.on('error', () => {});
  assert.equal(await within('Redis to serve again', client.ping()), 'PONG');
  client.disconnect();
});

test('Ctrl-C ends all of it quietly, and leaves no process and no file', options, async () => {
  const running = await upAndReady();
  const { sluice } = await configOf(running.port);
  const all = below(running.child.pid ?? 0);
  assert.ok(all.length >= 5);
  const said = running.output();
  running.child.kill('SIGINT');
  assert.equal(await within('it to end', running.ended), 0);
  assert.equal(running.output(), said);
  assert.deepEqual(all.filter(isAlive), []);
  assert.ok(!existsSync(join(sluice.scaling.group_socket, '..')));
});

test('a node that does not end is killed in time', options, async () => {
  const running = await upAndReady({ STAND_IN_STAYS: 'media-1' });
  const all = below(running.child.pid ?? 0);
  running.child.kill('SIGTERM');
  assert.equal(await within('it to end', running.ended, 10_000), 0);
  assert.deepEqual(all.filter(isAlive), []);
});

test('when it is killed itself, everything ends by itself', options, async () => {
  const running = await upAndReady();
  const { sluice } = await configOf(running.port);
  const all = below(running.child.pid ?? 0);
  running.child.kill('SIGKILL');
  await running.ended;
  await until('all to be gone', () => !all.some(isAlive));
  await until('the files too', () => !existsSync(join(sluice.scaling.group_socket, '..')));
});

test('Ctrl-C while it starts ends it as well', options, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'up-'));
  for (const phase of [/^/, /^media-1 /m]) {
    const running = await up({ TMPDIR: folder });
    await until('Redis to start', () =>
      below(running.child.pid ?? 0).some((pid) => commandOf(pid).includes('redis-server')),
    );
    await until('that far', () => phase.test(running.output()), { intervalMs: 5 });
    const all = below(running.child.pid ?? 0);
    running.child.kill('SIGINT');
    assert.equal(await within('it to end', running.ended), 0, running.output());
    assert.deepEqual(all.filter(isAlive).map(commandOf), []);
    // But for what tsx keeps there.
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith('sluice-')),
      [],
    );
  }
  rmSync(folder, { recursive: true });
});

test('a port in use, and a node that cannot start, are told in words', options, async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  const busy = await up({ LIVEKIT_PORT: `${port}` });
  assert.equal(await busy.ended, 1);
  assert.match(busy.output(), new RegExp(`^Port ${port} on 127\\.0\\.0\\.1 is used by another`));
  server.close();

  const failing = await up({ STAND_IN_FAILS: 'media-2' });
  assert.equal(await failing.ended, 1);
  assert.match(failing.output(), /^media-2 could not be started:\nmedia-2 +this port is in use/m);
  assert.deepEqual(below(failing.child.pid ?? 0), []);
});

test(
  'without redis-server, one line says how to get it, and the Single Node starts',
  options,
  async () => {
    const running = await up({ REDIS_SERVER_BIN: '/nowhere/redis-server' });
    assert.equal(await running.ended, 7);
    assert.match(running.output(), /^There is no redis-server here.*apt-get install redis-server/);
    assert.match(running.output(), /^single$/m);
  },
);

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** What Redis answers to a command, on a connection of its own. */
function redisSays(address: string, command: string): Promise<string> {
  const [host, port] = address.split(':');
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host);
    socket.once('error', reject);
    socket.once('data', (answer) => {
      socket.destroy();
      resolve(answer.toString());
    });
    socket.write(`${command}\r\n`);
  });
}
