/** Run by load.long.test.ts, in the network that in-namespace.sh makes. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { runLoad } from '../../../bench/load';
import { ensureLoadSource } from '../../../bench/load-build';
import type { LoadLine, LoadParticipant, LoadTrack } from '../../../bench/load-plan';
import { startServer, type TestServer } from '../../support/server';
import { joinToken } from '../../support/tokens';

const options = { timeout: 60_000 };
const AUDIO: LoadTrack = { kind: 'audio' };
const SIMULCAST: LoadTrack = {
  kind: 'video',
  layers: [
    { width: 320, height: 180, bitsPerSecond: 150_000, fps: 30 },
    { width: 640, height: 360, bitsPerSecond: 400_000, fps: 30 },
    { width: 1280, height: 720, bitsPerSecond: 1_200_000, fps: 30 },
  ],
};

let server: TestServer;
test.before(async () => {
  server = await startServer({ alwaysOwn: true });
});
after(() => server.close());

type Part = Omit<LoadParticipant, 'name' | 'token'>;

/** Plays participants of one Room; their identities are the keys. */
async function play(
  room: string,
  seconds: number,
  parts: Readonly<Record<string, Part>>,
  onLine: (line: LoadLine) => void = () => {},
): Promise<LoadLine> {
  const participants = await Promise.all(
    Object.entries(parts).map(async ([name, part]) => ({
      name,
      token: await joinToken(server, room, name),
      ...part,
    })),
  );
  const plan = { url: server.url, seconds, participants };
  return runLoad({ program: await ensureLoadSource(), plan, onLine });
}

test('what one participant publishes is forwarded to another, and counted', options, async () => {
  const lines: LoadLine[] = [];
  const data = { perSecond: 20, bytes: 100 };
  const end = await play(
    'one',
    6,
    {
      alice: { publish: [AUDIO, SIMULCAST], subscribe: 'none', data },
      bob: { joinAtMs: 500 },
    },
    (line) => lines.push(line),
  );
  assert.deepEqual(end.errors, {});
  const { planned, joined, connected, failed } = end.clients;
  assert.deepEqual(
    { planned, joined, connected, failed },
    { planned: 2, joined: 2, connected: 2, failed: 0 },
  );
  // Bob is there for some 5 s: 50 packets of sound a second, pictures of the best layer at the end.
  assert.ok(end.received.audio.packets > 150, `${end.received.audio.packets} packets of sound`);
  assert.ok(end.received.video.packets > 200, `${end.received.video.packets} packets of video`);
  assert.equal(end.received.lost, 0);
  assert.equal(end.received.streams, 2);
  // Three layers begin with a key frame, and Bob needs one.
  assert.ok(end.sent.keyFrames > 3 && end.sent.plis > 0, JSON.stringify(end.sent));
  assert.ok(end.data.received.packets > 50, `${end.data.received.packets} data messages`);
  for (const times of [end.firstFrameMs, end.firstAudioMs]) assert.equal(times.count, 1);
  for (const times of [end.latencyMs, end.data.latencyMs, end.jitterMs]) {
    assert.ok(times.count > 0 && times.p99 !== null && times.p99 > 0, JSON.stringify(times));
  }
  assert.ok(end.self.cpuSeconds > 0);
  assert.ok(lines.length >= 5 && lines.at(-1)?.type === 'end');
});

test(
  'a participant gets only whom it asks for, in the size that it asks for',
  options,
  async () => {
    const end = await play('some', 5, {
      alice: { publish: [SIMULCAST], subscribe: 'none' },
      carol: { publish: [SIMULCAST], subscribe: 'none' },
      bob: { joinAtMs: 500, subscribe: { only: ['carol'] }, wanted: { width: 320, height: 180 } },
    });
    assert.deepEqual(end.errors, {});
    assert.equal(end.received.streams, 1);
    const bitsPerSecond = (end.received.video.bytes * 8) / 4;
    assert.ok(bitsPerSecond > 50_000 && bitsPerSecond < 300_000, `${bitsPerSecond} bit/s`);
  },
);

test(
  'a participant that may not join is counted as failed, with what the server said',
  options,
  async () => {
    const plan = {
      url: server.url,
      seconds: 1,
      participants: [{ name: 'mallory', token: 'no.such.token' }],
    };
    const end = await runLoad({ program: await ensureLoadSource(), plan });
    assert.equal(end.clients.failed, 1);
    assert.match(Object.keys(end.errors).join(), /the server answered 401/);
  },
);

test('a plan that makes no sense is refused with what is allowed', options, async () => {
  const plan = { url: server.url, seconds: 1, threads: 0, participants: [] };
  const run = runLoad({ program: await ensureLoadSource(), plan });
  await assert.rejects(run, /threads is 0: 1 to 64 are allowed/);
});
