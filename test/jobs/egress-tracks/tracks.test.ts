import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { dispose, VideoCodec } from '@livekit/rtc-node';
import { SourceError } from '../../../node-image/jobs/egress/source';
import { TracksSource } from '../../../node-image/jobs/egress/tracks/tracks-source';
import type { RtpTap } from '../../../node-image/media/taps/rtp-tap';
import { joinToken } from '../../support/tokens';
import { sleep, until } from '../../support/wait';
import { FlashBeep } from './support/flash-beep';
import { type NodeWithRooms, startNodeWithRooms } from './support/node-with-rooms';
import { beeps, flashes, longestGap, median, offsets, probe } from './support/probe';
import { type Recording, record, testLog } from './support/record';
import { type RemoteRooms, remoteRooms } from './support/remote-rooms';

const folder = mkdtempSync(join(tmpdir(), 'egress-tracks-'));
const options = { timeout: 60_000 };
let node: NodeWithRooms;
let remote: RemoteRooms;

before(async () => {
  node = await startNodeWithRooms();
  remote = await remoteRooms(node.rooms, 3000);
});

after(async () => {
  await remote?.close();
  await node?.close();
  await dispose();
  await rm(folder, { recursive: true, force: true });
});

test(
  'a participant is recorded here, and on another node; a track of it ends with it',
  options,
  async (t) => {
    const alice = new FlashBeep();
    t.after(() => alice.leave());
    const token = await joinToken(node, 'party', 'alice');
    await alice.start({ url: node.url, token, codec: VideoCodec.VP8, simulcast: true });
    const participant = { kind: 'participant', identity: 'alice', screenShare: false } as const;
    const both = { kind: 'tracks', audioSid: alice.audioSid, videoSid: alice.videoSid } as const;
    const track = { kind: 'track', trackSid: alice.audioSid } as const;
    const start = (name: string, request: Parameters<typeof record>[0]['request'], far: boolean) =>
      record({
        openRoom: far ? remote.openRoom : node.openRoom,
        room: 'party',
        request,
        file: join(folder, name),
      });
    const near = await start('near.mkv', participant, false);
    const far = await start('far.mkv', both, true);
    const sound = await start('sound.ogg', track, true);
    const info = node.rooms.get('party')?.info();
    assert.equal(info?.activeRecording, true);
    assert.equal(info?.numParticipants, 1);
    await sleep(6000);
    await alice.unpublish(alice.audioSid);
    const ended = await sound.open.ended;
    const soundSeconds = sound.seconds();
    assert.equal(ended.kind, 'finished');
    await sound.finish();
    await sleep(1000);
    await alice.leave();
    const lasted = async ({ open, seconds }: Recording): Promise<number> => {
      assert.equal((await open.ended).kind, 'finished');
      return seconds();
    };
    const [nearSeconds, farSeconds] = await Promise.all([lasted(near), lasted(far)]);
    const seconds = { near: nearSeconds, far: farSeconds };
    await Promise.all([near.finish(), far.finish()]);
    await until(
      'nothing to be recorded',
      () => node.rooms.get('party')?.taps.isRecording === false,
    );

    for (const name of ['near', 'far'] as const) {
      const file = join(folder, `${name}.mkv`);
      const probed = await probe(file);
      assert.deepEqual(probed.streams, ['vp8:640x360', 'opus'], name);
      assert.equal(probed.videoTimes[0], 0, name);
      assert.ok(
        longestGap(probed.audioTimes) <= 0.0201,
        `${name}: ${longestGap(probed.audioTimes)} s`,
      );
      const off = probed.durationSeconds - seconds[name];
      assert.ok(Math.abs(off) <= 0.2, `${name}: ${probed.durationSeconds} s of ${seconds[name]}`);
      const found = offsets(await flashes(file), await beeps(file));
      assert.ok(found.length >= 4, `${name}: ${found.length} flashes with their beep`);
      assert.ok(
        Math.abs(median(found)) < 80,
        `${name}: sound ${median(found)} ms after its picture`,
      );
    }
    const ogg = await probe(join(folder, 'sound.ogg'));
    assert.deepEqual(ogg.streams, ['opus']);
    const off = ogg.durationSeconds - soundSeconds;
    assert.ok(Math.abs(off) <= 0.2, `${ogg.durationSeconds} s of ${soundSeconds}`);
  },
);

test('what is not there is waited for, and named', options, async (t) => {
  const alice = new FlashBeep();
  t.after(() => alice.leave());
  await alice.start({
    url: node.url,
    token: await joinToken(node, 'bare', 'alice'),
    sound: false,
  });
  const source = (
    request: ConstructorParameters<typeof TracksSource>[0]['request'],
    room = 'bare',
  ) => new TracksSource({ room, request, openRoom: node.openRoom, log: testLog, waitMs: 300 });
  const open = (one: TracksSource) => one.open(new AbortController().signal);
  const failure = async (one: TracksSource): Promise<string> => {
    const error = await open(one).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof SourceError, String(error));
    return `${error.code}: ${error.message}`;
  };
  const nobody = { kind: 'participant', identity: 'bob', screenShare: false } as const;
  const silent = { kind: 'participant', identity: 'alice', screenShare: false } as const;
  assert.equal(await failure(source(nobody, 'none')), '404: there is no Room none');
  assert.equal(await failure(source(nobody)), '404: Room bare has no participant bob');
  assert.equal(
    await failure(source(silent)),
    '404: participant alice of Room bare published nothing within 300 ms',
  );
  const track = { kind: 'track', trackSid: 'TR_none' } as const;
  assert.equal(await failure(source(track)), '404: Room bare has no track TR_none');
  const closed = source(nobody);
  const opening = failure(closed);
  await closed.close();
  assert.match(await opening, /closed before it began/);
  await alice.leave();
});

test('a node that records and asks no more is let go of', options, async (t) => {
  const alice = new FlashBeep();
  t.after(() => alice.leave());
  await alice.start({ url: node.url, token: await joinToken(node, 'lease', 'alice') });
  const room = await remote.openRoom('lease');
  let tap: RtpTap | undefined;
  await until('the sound to come', async () => {
    tap = await room?.tap(alice.audioSid);
    return tap !== undefined;
  });
  assert.equal(tap?.mimeType, 'audio/opus');
  const taps = node.rooms.get('lease')?.taps;
  assert.equal(taps?.isRecording, true);
  await sleep(4000);
  assert.equal(taps?.isRecording, true, 'it asks, and keeps it');
  assert.equal(await remote.openRoom('nowhere'), undefined);
  // One that is being opened as all end is not left behind.
  const keyBase64 = randomBytes(44).toString('base64');
  const srtp = { cryptoSuite: 'AEAD_AES_256_GCM', keyBase64 } as const;
  const late = remote.sessions.open('lease', { ip: '127.0.0.1', port: 9, srtp });
  remote.sessions.close();
  assert.equal(await late, undefined);
  assert.equal(taps?.isRecording, false);
  await until('the end to be known', () => room?.sight().state === 'moved');
  room?.close();
  await alice.leave();
});
