import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { LeaveRequest_Action } from '@livekit/protocol';
import { sleep, until } from '../support/wait';
import { siege } from './support/siege';

const suite = siege();
const options = { timeout: 120_000 };
const times = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

test('five hundred half-open handshakes and slow headers keep nobody out', options, async () => {
  const sockets = await Promise.all(times(500, () => rawSocket()));
  const closed = new Set<Socket>();
  for (const [i, socket] of sockets.entries()) {
    socket.on('close', () => closed.add(socket));
    // Some say nothing, some begin a request and say a little more now and then.
    if (i % 2 === 0) socket.write('GET /rtc?access_token=x HTTP/1.1\r\nHost: x\r\n');
  }
  const drip = setInterval(() => {
    for (const socket of sockets) socket.write('X');
  }, 1000);
  try {
    await suite.assertPeace();
    await until('the server to close them', () => closed.size === sockets.length, {
      timeoutMs: 40_000,
      intervalMs: 250,
      explain: () => `${closed.size} are closed`,
    });
  } finally {
    clearInterval(drip);
    for (const socket of sockets) socket.destroy();
  }
  await suite.assertPeace();
});

test('a client that never answers an offer is told to join anew', options, async () => {
  const client = await suite.join('silent');
  await client.message('offer');
  const begun = performance.now();
  while (performance.now() - begun < 12_000) {
    assert.ok(await client.lives());
    await sleep(500);
  }
  const leave = await client.message('leave', undefined, 10_000);
  assert.equal(leave.action, LeaveRequest_Action.RECONNECT);
  await client.end();
  await suite.assertPeace();
});

test('a client that joins and says nothing more is sent away', options, async () => {
  // It subscribes to nothing, so that it is offered nothing that it could fail to answer.
  const mute = await suite.join('mute', { token: { grant: { canSubscribe: false } } });
  const begun = performance.now();
  await mute.message('leave', undefined, 80_000);
  await mute.end();
  const took = performance.now() - begun;
  assert.ok(took > 20_000 && took < 75_000, `${Math.round(took)} ms`);
  assert.deepEqual(
    (await suite.api.listParticipants(suite.room).catch(() => [])).map((one) => one.identity),
    [],
  );
  await suite.assertPeace();
});

async function rawSocket(): Promise<Socket> {
  const { port } = new URL(suite.server.httpUrl);
  const socket = connect(Number(port), '127.0.0.1');
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
  return socket;
}
