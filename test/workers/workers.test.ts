import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LeaveRequest } from '@livekit/protocol';
import type { BrowserClient } from '../support/client';
import { clientSuite } from '../support/client-suite';
import { openSignal } from '../support/signal';
import { sleep, until } from '../support/wait';
import { holderOf } from './support/worker-processes';

const suite = clientSuite({ workers: 2, alwaysOwn: true });
const options = { timeout: 90_000 };

interface Call {
  readonly room: string;
  readonly alice: BrowserClient;
  readonly bob: BrowserClient;
  /** The UDP port that its media goes to: one worker's. */
  readonly port: number;
}

/** The UDP port that a new participant of a Room is offered. */
async function portOf(room: string): Promise<number> {
  const token = await suite.token(room, `asks-${Math.random()}`);
  const signal = await openSignal(suite.server.url, token);
  const { sdp } = await signal.message('offer');
  signal.send({ case: 'leave', value: new LeaveRequest() });
  signal.close();
  return Number(/a=candidate:\S+ 1 udp \d+ \S+ (\d+) /.exec(sdp)?.[1]);
}

async function call(): Promise<Call> {
  const room = suite.roomName();
  // Before they are there, who would see the one who asks leave.
  const port = await portOf(room);
  const alice = await suite.join(room, 'alice');
  const bob = await suite.join(room, 'bob');
  for (const client of [alice, bob]) {
    await client.run(async (c) => {
      await c.publishPicture({ picture: { width: 320, height: 180 }, simulcast: false });
      await c.publishTone();
    });
  }
  await flows(alice, bob);
  return { room, alice, bob, port };
}

async function flows(alice: BrowserClient, bob: BrowserClient, timeoutMs = 15_000): Promise<void> {
  await Promise.all([
    alice.sees('bob', 'camera', { timeoutMs }),
    bob.sees('alice', 'camera', { timeoutMs }),
    alice.hears('bob', 'microphone', timeoutMs),
    bob.hears('alice', 'microphone', timeoutMs),
  ]);
}

async function frames(client: BrowserClient, of: string): Promise<number> {
  return (await client.inbound(of, 'camera'))?.framesDecoded ?? 0;
}

const basePort = (): number => suite.server.own?.udpPort ?? 0;
const workerOn = (port: number): Promise<number | undefined> =>
  holderOf(port, suite.server.own?.pid ?? 0);

test('Rooms are spread over the workers', options, async () => {
  const ports: number[] = [];
  for (let i = 0; i < 4; i++) ports.push(await portOf(suite.roomName()));
  const base = basePort();
  assert.deepEqual([...ports].sort(), [base, base, base + 1, base + 1]);
});

test(
  'a worker that is killed takes only its own Rooms along, and those come back',
  options,
  async () => {
    const doomed = await call();
    const safe = await call();
    assert.notEqual(doomed.port, safe.port);
    for (const client of [doomed.alice, doomed.bob, safe.alice, safe.bob]) {
      await client.forgetEvents();
    }
    const pid = await workerOn(doomed.port);
    assert.ok(pid !== undefined, `no worker has port ${doomed.port}`);
    const before = await frames(safe.alice, 'bob');
    const killedAt = performance.now();
    process.kill(pid, 'SIGKILL');

    // By themselves: nobody tells these clients anything but the server.
    await Promise.all([
      doomed.alice.event('reconnected', [], 20_000),
      doomed.bob.event('reconnected', [], 20_000),
    ]);
    await flows(doomed.alice, doomed.bob, 20_000);
    const took = performance.now() - killedAt;
    assert.ok(took < 15_000, `it took ${Math.round(took)} ms until media was back`);

    const seconds = (performance.now() - killedAt) / 1000;
    const decoded = (await frames(safe.alice, 'bob')) - before;
    assert.ok(decoded > seconds * 5, `${decoded} frames in ${seconds} s in the other Room`);
    await flows(safe.alice, safe.bob);
    for (const client of [safe.alice, safe.bob]) {
      const events = await client.run((c) => c.events.map((event) => event.name));
      const disturbed = events.filter((name) => /reconnect|disconnect|unsubscribed/i.test(name));
      assert.deepEqual(disturbed, []);
    }

    const successor = await until('another worker on the same port', () => workerOn(doomed.port));
    assert.notEqual(successor, pid);
    const ports = new Set<number>();
    for (let i = 0; i < 6; i++) ports.add(await portOf(suite.roomName()));
    assert.ok(ports.has(doomed.port), 'the new worker was given no Room');
  },
);

test('a worker that is killed again and again is replaced each time', options, async () => {
  const port = basePort();
  for (let round = 0; round < 4; round++) {
    const pid = await until('a worker', () => workerOn(port), { timeoutMs: 15_000 });
    process.kill(pid ?? 0, 'SIGKILL');
    await until('it to be gone', async () => (await workerOn(port)) !== pid);
  }
  await until('a worker', () => workerOn(port), { timeoutMs: 15_000 });
  await sleep(200);
  const { alice, bob } = await call();
  await flows(alice, bob);
});

test('both workers die at once: the node goes on', options, async () => {
  const one = await call();
  const two = await call();
  for (const client of [one.alice, two.bob]) await client.forgetEvents();
  const pids = await Promise.all([workerOn(basePort()), workerOn(basePort() + 1)]);
  for (const pid of pids) process.kill(pid ?? 0, 'SIGKILL');
  await Promise.all([
    one.alice.event('reconnected', [], 30_000),
    two.bob.event('reconnected', [], 30_000),
  ]);
  await flows(one.alice, one.bob, 20_000);
  await flows(two.alice, two.bob, 20_000);
});
