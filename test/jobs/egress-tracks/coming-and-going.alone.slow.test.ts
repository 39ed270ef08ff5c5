import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { dispose, VideoCodec } from '@livekit/rtc-node';
import { RoomServiceClient } from 'livekit-server-sdk';
import { NodeClient } from '../../support/rtc-node';
import { joinToken } from '../../support/tokens';
import { sleep } from '../../support/wait';
import { FlashBeep } from './support/flash-beep';
import { type NodeWithRooms, startNodeWithRooms } from './support/node-with-rooms';
import { beeps, decodeErrors, flashes, longestGap, median, offsets, probe } from './support/probe';
import { record } from './support/record';
import { type RemoteRooms, remoteRooms } from './support/remote-rooms';

const folder = mkdtempSync(join(tmpdir(), 'egress-tracks-'));
const options = { timeout: 90_000 };
let node: NodeWithRooms;
let remote: RemoteRooms;

before(async () => {
  node = await startNodeWithRooms();
  remote = await remoteRooms(node.rooms);
});

after(async () => {
  await remote?.close();
  await node?.close();
  await dispose();
  await rm(folder, { recursive: true, force: true });
});

const codecs = [
  ['h264', VideoCodec.H264, false],
  ['vp9', VideoCodec.VP9, false],
  ['av1', VideoCodec.AV1, true],
] as const;

for (const [name, codec, simulcast] of codecs) {
  test(`${name} is recorded in step with its sound`, options, async (t) => {
    const alice = new FlashBeep();
    t.after(() => alice.leave());
    const token = await joinToken(node, name, 'alice');
    await alice.start({ url: node.url, token, codec, simulcast });
    const file = join(folder, `${name}.mkv`);
    const request = { kind: 'participant', identity: 'alice', screenShare: false } as const;
    const recording = await record({ openRoom: node.openRoom, room: name, request, file });
    await sleep(8000);
    const seconds = recording.seconds();
    await recording.finish();
    await alice.leave();
    const probed = await probe(file);
    assert.deepEqual(probed.streams, [`${name}:640x360`, 'opus']);
    const off = probed.durationSeconds - seconds;
    assert.ok(Math.abs(off) <= 0.2, `${probed.durationSeconds} s of ${seconds}`);
    assert.ok(longestGap(probed.audioTimes) <= 0.0201, `${longestGap(probed.audioTimes)} s`);
    const found = offsets(await flashes(file), await beeps(file));
    assert.ok(found.length >= 5, `${found.length} flashes with their beep`);
    assert.ok(Math.abs(median(found)) < 80, `sound ${median(found)} ms after its picture`);
    assert.doesNotMatch(await decodeErrors(file), /rror|nvalid data/);
  });
}

test(
  'AV1 whose layers are not described comes to those who watch, and is recorded',
  options,
  async (t) => {
    const room = 'plain-av1';
    const alice = new FlashBeep();
    const bob = new NodeClient();
    t.after(() => Promise.all([alice.leave(), bob.leave()]));
    const token = await joinToken(node, room, 'alice');
    // What it publishes has one layer, and no header extension that says so.
    await alice.start({ url: node.url, token, codec: VideoCodec.AV1, simulcast: false });
    await bob.connect(node.url, await joinToken(node, room, 'bob'));
    await bob.sees('alice', 10, 20_000);
    const file = join(folder, `${room}.mkv`);
    const request = { kind: 'participant', identity: 'alice', screenShare: false } as const;
    const recording = await record({ openRoom: node.openRoom, room, request, file });
    await sleep(2500);
    await recording.finish();
    assert.deepEqual((await probe(file)).streams, ['av1:640x360', 'opus']);
    assert.ok((await flashes(file)).length >= 1);
  },
);

for (const where of ['here', 'on another node'] as const) {
  test(
    `a camera that comes late, is muted and goes is black meanwhile, recorded ${where}`,
    options,
    async (t) => {
      const api = new RoomServiceClient(
        node.url.replace('ws', 'http'),
        node.apiKey,
        node.apiSecret,
      );
      const room = `late-${where.length}`;
      const alice = new FlashBeep();
      t.after(() => alice.leave());
      await alice.start({ url: node.url, token: await joinToken(node, room, 'alice') });
      const mute = async (muted: boolean): Promise<void> => {
        for (const sid of [alice.videoSid, alice.audioSid]) {
          await api.mutePublishedTrack(room, 'alice', sid, muted);
        }
      };
      const file = join(folder, `${room}.mkv`);
      const recording = await record({
        openRoom: where === 'here' ? node.openRoom : remote.openRoom,
        room,
        request: { kind: 'participant', identity: 'alice', screenShare: false },
        file,
      });
      await sleep(2000);
      const came = recording.seconds();
      await alice.publishVideo(VideoCodec.VP8, true);
      await sleep(4000);
      const muted = recording.seconds();
      await mute(true);
      await sleep(4000);
      const back = recording.seconds();
      await mute(false);
      await sleep(4000);
      const gone = recording.seconds();
      await alice.unpublish(alice.videoSid);
      await sleep(3000);
      const seconds = recording.seconds();
      await recording.finish();
      await alice.leave();

      const probed = await probe(file);
      assert.deepEqual(probed.streams, ['vp8:1280x720', 'opus']);
      const off = probed.durationSeconds - seconds;
      assert.ok(Math.abs(off) <= 0.2, `${probed.durationSeconds} s of ${seconds}`);
      assert.ok(longestGap(probed.audioTimes) <= 0.0201, `${longestGap(probed.audioTimes)} s`);
      assert.ok(longestGap(probed.videoTimes) <= 2.5, `${longestGap(probed.videoTimes)} s`);
      const [white, heard] = [await flashes(file), await beeps(file)];
      const within = (from: number, to: number, times: readonly number[]): number =>
        times.filter((time) => time > from && time < to).length;
      assert.equal(within(0, came, white), 0, 'before it came');
      assert.ok(within(came, muted, white) >= 2, `${white} since ${came}`);
      assert.equal(within(muted + 0.5, back, white), 0, 'while it was muted');
      assert.equal(within(muted + 0.5, back, heard), 0, 'while it was muted');
      assert.ok(within(back, gone, white) >= 2, `${white} since ${back}`);
      assert.ok(within(back, gone, heard) >= 2, `${heard} since ${back}`);
      assert.equal(within(gone + 0.8, seconds, white), 0, 'after it went');
      assert.ok(within(gone, seconds, heard) >= 2, `${heard} since ${gone}`);
      assert.ok(Math.abs(median(offsets(white, heard))) < 80, `${offsets(white, heard)} ms`);
    },
  );
}
