import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import {
  AddTrackRequest,
  Ping,
  SignalRequest,
  TrackSource,
  TrackType,
  TrickleRequest,
  UpdateParticipantMetadata,
} from '@livekit/protocol';
import { sleep } from '../support/wait';
import { descriptionOf, sectionOf } from './support/descriptions';
import type { RawClient } from './support/raw-client';
import { siege } from './support/siege';

const suite = siege();
const options = { timeout: 30_000 };

const track = new SignalRequest({
  message: {
    case: 'addTrack',
    value: new AddTrackRequest({ cid: 'cid', name: 'x'.repeat(300), type: TrackType.AUDIO }),
  },
}).toBinary();

/** Frames that are no message, or hardly one: each is left alone. */
const FRAMES: Record<string, (client: RawClient) => void> = {
  'random bytes': (c) => {
    for (let size = 1; size < 60; size++) c.sendRaw(randomBytes(size * 7));
  },
  'a message that is cut off': (c) => {
    for (let end = 1; end < track.length; end += 6) c.sendRaw(track.subarray(0, end));
  },
  'a message with bytes turned over': (c) => {
    for (let at = 0; at < 60; at++) {
      const bytes = Uint8Array.from(track);
      bytes[at] = (bytes[at] ?? 0) ^ 0xff;
      c.sendRaw(bytes);
    }
  },
  'empty frames': (c) => {
    c.sendRaw(new Uint8Array());
    c.sendRaw('');
  },
  'groups within groups': (c) => c.sendRaw(new Uint8Array(200_000).fill(0x0b)),
  'text that is no JSON': (c) => {
    for (const text of ['{', 'null', '[]', '1', '"ping"', '\0', 'ÿ', '{"a":{"b"']) c.sendRaw(text);
  },
  'JSON of wrong types': (c) => {
    for (const value of [
      { ping: {} },
      { ping: 'x' },
      { offer: 1 },
      { offer: { sdp: {} } },
      { addTrack: { type: 'NOPE' } },
      { addTrack: [], mute: {} },
      { subscription: { trackSids: 'TR_x' } },
      { mute: { sid: 7, muted: 'yes' } },
      { __proto__: null, constructor: { prototype: 1 } },
      { trackSetting: { width: -1, height: 1e300, fps: 0.5 } },
    ]) {
      c.sendRaw(JSON.stringify(value));
    }
  },
  'JSON nested a hundred thousand deep': (c) => c.sendRaw('{"offer":'.repeat(100_000)),
};

for (const [name, attack] of Object.entries(FRAMES)) {
  test(`${name}: left alone, and the client is served as before`, options, async () => {
    const client = await suite.join('mallory');
    attack(client);
    // Its own kind of frame again, in which it is answered.
    await sleep(100);
    assert.ok(await client.lives());
    await suite.assertPeace();
  });
}

test('a message of more than 2 MiB: closed with 1009', options, async () => {
  const client = await suite.join('mallory');
  client.sendRaw(new Uint8Array(2 * 1024 * 1024 + 1));
  assert.equal((await client.end()).code, 1009);
  await suite.assertPeace();
});

test('a fragmented message that never ends: closed with 1009', options, async () => {
  const client = await suite.join('mallory');
  for (let i = 0; i < 40 && client.closed === undefined; i++) {
    client.socket.send(new Uint8Array(100_000), { fin: false });
  }
  assert.equal((await client.end()).code, 1009);
  await suite.assertPeace();
});

test('a message of just below 2 MiB is read', options, async () => {
  const client = await suite.join('mallory');
  client.offer(`v=0\r\n${'a=x\r\n'.repeat(400_000)}`);
  await client.message('answer');
  await suite.assertPeace();
});

test('more messages than signal_messages_per_second: closed', options, async () => {
  const client = await suite.join('mallory');
  for (let i = 0n; i < 1000n; i++) {
    client.send({ case: 'pingReq', value: new Ping({ timestamp: i }) });
  }
  await client.end();
  assert.ok(client.count('pongResp') <= 250, `${client.count('pongResp')} were answered`);
  await suite.assertPeace();
});

test(
  'WebSocket pings without end: the client is closed or answered, others are',
  options,
  async () => {
    const client = await suite.join('mallory');
    client.socket.pause();
    for (let i = 0; i < 100_000; i++) client.socket.ping(Buffer.alloc(125));
    await suite.assertPeace();
  },
);

test(
  'a client that tells of many addresses may join: a trickle counts as a tenth',
  options,
  async () => {
    const client = await suite.join('mallory');
    const trickle = (): void =>
      client.send({ case: 'trickle', value: new TrickleRequest({ candidateInit: '{}' }) });
    // 100 messages a second, and two seconds' worth at once.
    for (let i = 0; i < 1500; i++) trickle();
    client.send({ case: 'pingReq', value: new Ping({ timestamp: 1n }) });
    await client.message('pongResp');
    for (let i = 0; i < 3000; i++) trickle();
    await client.end();
    await suite.assertPeace();
  },
);

test('few but large messages count as many', options, async () => {
  const client = await suite.join('mallory', { token: { grant: { canUpdateOwnMetadata: true } } });
  for (let i = 0; i < 150; i++) {
    const metadata = 'm'.repeat(60_000);
    client.send({ case: 'updateMetadata', value: new UpdateParticipantMetadata({ metadata }) });
  }
  await client.end();
  const answered = client.messages.filter((one) => one.case === 'requestResponse').length;
  assert.ok(answered > 10 && answered <= 80, `${answered} were taken`);
  await suite.assertPeace();
});

test('enum values beyond 32 bits, in JSON, do not reach others', options, async () => {
  const viewer = await suite.join('viewer', { answers: true });
  const client = await suite.join('mallory');
  const fields = [
    { source: 1e10 },
    { encryption: -1e12 },
    { audioFeatures: [1e10] },
    { layers: [{ quality: 1e10 }] },
  ];
  for (const [i, field] of fields.entries()) {
    client.sendRaw(JSON.stringify({ addTrack: { cid: `bad-${i}`, type: 'AUDIO', ...field } }));
  }
  const good = { cid: 'good', type: TrackType.AUDIO, source: TrackSource.MICROPHONE };
  client.send({ case: 'addTrack', value: new AddTrackRequest(good) });
  const cids = ['good', ...fields.map((_, i) => `bad-${i}`)];
  client.offer(descriptionOf(...cids.map((cid, i) => sectionOf('audio', String(i), cid))));
  await viewer.message('update', ({ participants }) =>
    participants.some((one) => one.identity === 'mallory' && one.tracks.length === 1),
  );
  const [published] = client.messages.flatMap((one) =>
    one.case === 'trackPublished' && one.value.cid === 'good' ? [one.value.track?.sid] : [],
  );
  client.sendRaw(
    JSON.stringify({ updateAudioTrack: { trackSid: published, features: [1e10, -1e12] } }),
  );
  client.sendRaw(JSON.stringify({ trackSetting: { trackSids: ['x'], quality: 1e10 } }));
  await sleep(100);
  assert.ok(await viewer.lives());
  await suite.assertPeace();
});

test('messages that come before the join response are kept only so long', options, async () => {
  const clients = await Promise.all(Array.from({ length: 10 }, (_, i) => suite.open(`early-${i}`)));
  for (const client of clients) {
    for (let i = 0; i < 20; i++) client.sendRaw(new Uint8Array(1024 * 1024));
  }
  for (const client of clients) await client.end();
  await suite.assertPeace();
});
