import assert from 'node:assert/strict';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, type TestContext, test } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { NodeState, RegisteredNode } from '../../node-image/cluster/node-record';
import { HaproxySocket } from '../../node-image/lifecycle/haproxy-socket';
import { type KnownNodes, TurnEntry } from '../../node-image/lifecycle/turn-entry';
import { nodeRecord } from '../cluster/support/registry-facts';
import { TestHaproxy } from '../support/haproxy';
import { freeTcpPort } from '../support/ports';
import { until } from '../support/wait';

const STUN = Buffer.from('000100002112a442736c756963652d70726f6265', 'hex');

/** Answers with its name whatever it is sent. */
interface FakeTurn {
  readonly port: number;
  close(): Promise<void>;
}

async function fakeTurn(t: TestContext, name: string, port = 0): Promise<FakeTurn> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', () => socket.write(name));
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const close = async (): Promise<void> => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  t.after(close);
  return { port: (server.address() as AddressInfo).port, close };
}

const nodeAt = (port: number, state: NodeState = 'serving'): RegisteredNode => ({
  record: nodeRecord(`ND_${port}`, { state, turnTls: { host: '127.0.0.1', port } }),
  seenAgoMs: 0,
});

interface Line {
  readonly level: string;
  readonly text: string;
}

function logInto(lines: Line[]) {
  const at = (level: string) => (fields: unknown, text?: string) => {
    lines.push({ level, text: `${text ?? ''} ${JSON.stringify(fields)}` });
  };
  return { info: at('info'), warn: at('warn'), error: at('error') };
}

/** One HAProxy is started for each of them. */
describe('the entry of a Master Node', { concurrency: 1 }, () => {
  let haproxy: TestHaproxy;
  before(async () => {
    haproxy = await TestHaproxy.make();
  });
  after(() => haproxy.close());

  /** HAProxy with so many slots, and what tells it of these nodes. */
  async function entryWith(t: TestContext, slots: number, first: KnownNodes | undefined) {
    const run = async () =>
      haproxy.start({ masters: [`127.0.0.1:${await freeTcpPort()}`], turnSlots: slots });
    await run();
    const world = { known: first };
    const lines: Line[] = [];
    const entry = new TurnEntry({
      haproxy: new HaproxySocket(haproxy.adminSocket),
      known: () => world.known,
      log: logInto(lines),
      lookMs: 20,
    });
    await entry.start();
    t.after(async () => {
      await entry.close();
      await haproxy.stop();
    });
    return { entry, world, lines, run };
  }

  const connect = (t: TestContext): Promise<TLSSocket> =>
    new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: haproxy.port, rejectUnauthorized: false };
      const socket = connectTls(options, () => resolve(socket));
      socket.once('error', reject);
      t.after(() => socket.destroy());
    });
  /** What answers on this connection; empty: it is closed. */
  const ask = (socket: TLSSocket): Promise<string> =>
    new Promise((resolve) => {
      socket.once('data', (data) => resolve(String(data)));
      socket.once('error', () => resolve(''));
      socket.once('close', () => resolve(''));
      socket.write(STUN);
    });
  const whoAnswers = async (t: TestContext): Promise<string> => {
    const socket = await connect(t);
    const answer = await ask(socket);
    socket.destroy();
    return answer;
  };

  test('passes TURN/TLS on to nodes that come, and to none before', async (t) => {
    const { entry, world } = await entryWith(t, 3, { nodes: [], maybeMore: false });
    assert.equal(await whoAnswers(t), '');
    const [one, two] = [await fakeTurn(t, 'one'), await fakeTurn(t, 'two')];
    world.known = { nodes: [nodeAt(one.port), nodeAt(two.port)], maybeMore: false };
    const seen = new Set<string>();
    await until('both to be used', async () => {
      seen.add(await whoAnswers(t));
      return seen.has('one') && seen.has('two');
    });
    assert.deepEqual(entry.figures, { serving: 2, draining: 0, leftOut: 0 });
    world.known = { nodes: [nodeAt(one.port), nodeAt(two.port, 'starting')], maybeMore: false };
    await until('the other one to be used alone', () => entry.figures?.serving === 1);
    for (let i = 0; i < 6; i += 1) assert.equal(await whoAnswers(t), 'one');
  });

  test('keeps who is connected to a node that drains, and cuts them off when it is gone', async (t) => {
    const [one, two] = [await fakeTurn(t, 'one'), await fakeTurn(t, 'two')];
    const { entry, world } = await entryWith(t, 3, {
      nodes: [nodeAt(one.port)],
      maybeMore: false,
    });
    const early = await connect(t);
    assert.equal(await ask(early), 'one');
    world.known = { nodes: [nodeAt(one.port, 'draining'), nodeAt(two.port)], maybeMore: false };
    await until('it to drain', () => entry.figures?.draining === 1);
    for (let i = 0; i < 6; i += 1) assert.equal(await whoAnswers(t), 'two');
    assert.equal(await ask(early), 'one');
    const closed = new Promise((resolve) => early.once('close', resolve));
    world.known = { nodes: [nodeAt(two.port)], maybeMore: false };
    await closed;
    assert.equal(await whoAnswers(t), 'two');
  });

  test('takes nobody away while the registry may not know all nodes', async (t) => {
    const one = await fakeTurn(t, 'one');
    const { world } = await entryWith(t, 3, { nodes: [nodeAt(one.port)], maybeMore: false });
    const early = await connect(t);
    assert.equal(await ask(early), 'one');
    const two = await fakeTurn(t, 'two');
    world.known = { nodes: [nodeAt(two.port)], maybeMore: true };
    await until('the other one to be used too', async () => (await whoAnswers(t)) === 'two');
    assert.equal(await ask(early), 'one');
  });

  test('fills all slots anew when HAProxy was started again, and says once that it was away', async (t) => {
    const one = await fakeTurn(t, 'one');
    const { entry, lines, run } = await entryWith(t, 3, {
      nodes: [nodeAt(one.port)],
      maybeMore: false,
    });
    assert.equal(await whoAnswers(t), 'one');
    await haproxy.stop();
    await until('it to be missed', () => entry.figures === undefined);
    const missed = lines.filter(({ level }) => level === 'warn').length;
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(missed, 1, JSON.stringify(lines));
    assert.equal(lines.filter(({ level }) => level === 'warn').length, 1);
    await run();
    await until('it to be told again', () =>
      lines.some(({ text }) => text.includes('HAProxy can be told again')),
    );
    assert.deepEqual(entry.figures, { serving: 1, draining: 0, leftOut: 0 });
    assert.equal(await whoAnswers(t), 'one');
  });

  test('says which nodes there is no slot for, and that there is one again', async (t) => {
    const [one, two] = [await fakeTurn(t, 'one'), await fakeTurn(t, 'two')];
    const both = [nodeAt(one.port), nodeAt(two.port)];
    const { entry, world, lines } = await entryWith(t, 1, { nodes: both, maybeMore: false });
    assert.deepEqual(entry.figures, { serving: 1, draining: 0, leftOut: 1 });
    const [line] = lines.filter(({ level }) => level === 'warn');
    assert.match(line?.text ?? '', new RegExp(`get no TURN/TLS: .*no slot left.*${two.port}`));
    world.known = { nodes: both.slice(1), maybeMore: false };
    await until('the other one to have the slot', () => entry.figures?.leftOut === 0);
    assert.equal(await whoAnswers(t), 'two');
    const said = lines.map(({ text }) => text).join('\n');
    assert.match(said, /every Media Node gets TURN\/TLS again/);
  });

  test('says that HAProxy was configured without slots, and what to do', async (t) => {
    const { entry, lines } = await entryWith(t, 0, { nodes: [], maybeMore: false });
    assert.equal(entry.figures, undefined);
    assert.match(lines[0]?.text ?? '', /has no slots for TURN servers: run `sluice boot`/);
  });

  test('does nothing before anything is known of the nodes', async (t) => {
    const { entry, lines } = await entryWith(t, 1, undefined);
    assert.equal(entry.figures, undefined);
    assert.deepEqual(lines, []);
  });

  test('is not held up by a HAProxy that does not answer', async (t) => {
    const { entry, lines } = await entryWith(t, 1, undefined);
    const silent = createServer(() => undefined);
    const path = `${haproxy.adminSocket}.silent`;
    await new Promise<void>((resolve) => silent.listen(path, resolve));
    t.after(() => silent.close());
    await assert.rejects(
      new HaproxySocket(path).ask(['show info']),
      /did not answer on .* within 2 s/,
    );
    await entry.close();
    assert.deepEqual(lines, []);
  });
});
