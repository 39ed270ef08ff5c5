import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { DisconnectReason, UpdateParticipantMetadata } from '@livekit/protocol';
import { footprint } from '../support/proc';
import { joinToken } from '../support/tokens';
import { sleep, until } from '../support/wait';
import type { RawClient } from './support/raw-client';
import { mediaObjects, siege } from './support/siege';

const suite = siege();
const options = { timeout: 60_000 };
const MEGABYTE = 1024 * 1024;
const times = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

test('twenty joins of one identity at once: exactly one is left', options, async () => {
  const clients = await Promise.all(times(20, () => suite.open('twin')));
  const alive = async (): Promise<RawClient[]> => {
    const lives = await Promise.all(clients.map((client) => client.lives()));
    return clients.filter((_, i) => lives[i]);
  };
  await until('one to be left', async () => (await alive()).length === 1, { timeoutMs: 10_000 });
  const [survivor] = await alive();
  assert.equal(survivor?.count('join'), 1);
  for (const client of clients.filter((one) => one !== survivor)) {
    const leave = client.messages.find((one) => one.case === 'leave');
    const reasons = [DisconnectReason.DUPLICATE_IDENTITY, DisconnectReason.JOIN_FAILURE];
    assert.ok(leave?.case === 'leave' && reasons.includes(leave.value.reason));
  }
  const there = await suite.api.listParticipants(suite.room);
  assert.deepEqual(
    there.map((one) => one.identity),
    ['twin'],
  );
  await suite.assertPeace();
});

test('two hundred joins that are closed at once leave nothing', { timeout: 90_000 }, async () => {
  await suite.join('stays', { answers: true });
  const before = await mediaObjects(suite.server);
  for (let i = 0; i < 200; i += 10) {
    const clients = await Promise.all(times(10, (j) => suite.open(`brief-${i + j}`)));
    // Before, while and after they are let in.
    for (const [j, client] of clients.entries()) setTimeout(() => client.close(), j * 4);
    await sleep(50);
  }
  await until(
    'all of them to be gone',
    async () => {
      const now = await mediaObjects(suite.server);
      return JSON.stringify(now) === JSON.stringify(before);
    },
    {
      timeoutMs: 40_000,
      intervalMs: 500,
      explain: async () =>
        `${JSON.stringify(before)} is now ${JSON.stringify(await mediaObjects(suite.server))}`,
    },
  );
  await suite.assertPeace();
});

test('sockets closed in the middle of the handshake leave nothing', options, async () => {
  for (let i = 0; i < 100; i++) {
    const socket = await rawSocket();
    socket.write(await upgrade(`cut-${i}`));
    setTimeout(() => socket.destroy(), i % 12);
  }
  await sleep(200);
  await suite.assertPeace();
});

test('handshakes that a WebSocket library would not send are answered', options, async () => {
  const good = await upgrade('odd');
  const odd: Record<string, { readonly request: string; readonly status: RegExp }> = {
    'no key': { request: good.replace(/Sec-WebSocket-Key.*\r\n/, ''), status: /^HTTP\/1.1 400/ },
    'a bad key': { request: good.replace(/(Key: ).*/, '$1x'), status: /^HTTP\/1.1 400/ },
    'version 1': { request: good.replace('Version: 13', 'Version: 1'), status: /^HTTP\/1.1 4/ },
    'another path': { request: good.replace('/rtc?', '/rtx?'), status: /^HTTP\/1.1 404/ },
    'a body': {
      request: good.replace('\r\n\r\n', '\r\nContent-Length: 5\r\n\r\nhello'),
      status: /^HTTP\/1.1 /,
    },
    'a very long query': {
      request: good.replace('/rtc?', `/rtc?x=${'y'.repeat(2_000_000)}&`),
      status: /^HTTP\/1.1 431/,
    },
    'no HTTP': { request: '\x16\x03\x01\x02\0\x01\0\r\n\r\n', status: /^HTTP\/1.1 400/ },
  };
  for (const [name, { request, status }] of Object.entries(odd)) {
    const socket = await rawSocket();
    let answer = '';
    socket.on('data', (data) => {
      answer += String(data);
    });
    socket.write(request);
    await until(`an answer to ${name}`, () => answer !== '', { timeoutMs: 3_000 });
    assert.match(answer, status, name);
    socket.destroy();
  }
  await suite.assertPeace();
});

test('a client that reads nothing is closed before it costs much memory', options, async () => {
  const deaf = await suite.join('deaf');
  deaf.socket.pause();
  const before = await footprint(suite.server.own?.pid ?? 0);
  const talkers = await Promise.all(
    times(8, (i) =>
      suite.join(`talker-${i}`, { token: { grant: { canUpdateOwnMetadata: true } } }),
    ),
  );
  let peak = 0;
  const gone = async (): Promise<boolean> => {
    for (const [i, talker] of talkers.entries()) {
      const metadata = `${i}`.repeat(50_000);
      talker.send({ case: 'updateMetadata', value: new UpdateParticipantMetadata({ metadata }) });
    }
    peak = Math.max(peak, (await footprint(suite.server.own?.pid ?? 0)).rssBytes);
    // What its own socket holds shows only once it is read.
    return suite.server.takeLog().includes('reads too little');
  };
  await until('the deaf client to be closed', gone, { timeoutMs: 30_000, intervalMs: 150 });
  assert.ok(peak < before.rssBytes + 300 * MEGABYTE, `${before.rssBytes} rose to ${peak}`);
  deaf.socket.resume();
  await deaf.end();
  for (const talker of talkers) assert.ok(await talker.lives());
});

async function rawSocket(): Promise<Socket> {
  const { port } = new URL(suite.server.httpUrl);
  const socket = connect(Number(port), '127.0.0.1');
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
  return socket;
}

async function upgrade(identity: string): Promise<string> {
  const token = await joinToken(suite.server, suite.room, identity);
  return [
    `GET /rtc?access_token=${token}&protocol=17 HTTP/1.1`,
    'Host: x',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
    '',
    '',
  ].join('\r\n');
}
