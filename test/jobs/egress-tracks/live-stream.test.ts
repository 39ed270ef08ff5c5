import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { blackPicture } from '../../../node-image/jobs/egress/tracks/black-picture';
import { LiveStream } from '../../../node-image/jobs/egress/tracks/live-stream';
import {
  MatroskaStream,
  NotReadError,
} from '../../../node-image/jobs/egress/tracks/matroska-stream';
import { OPUS_SILENCE } from '../../../node-image/jobs/egress/tracks/opus';
import { decodeErrors, longestGap, probe } from './support/probe';

const folder = mkdtempSync(join(tmpdir(), 'live-stream-'));
after(() => rm(folder, { recursive: true, force: true }));

const ORIGIN = 1_700_000_000_000;
const sound = (atMs: number) => ({ data: OPUS_SILENCE, isKey: true, timeMs: ORIGIN + atMs });

async function saved(name: string, stream: LiveStream): Promise<string> {
  const file = join(folder, `${name}.mkv`);
  writeFileSync(file, await buffer(stream.readable));
  return file;
}

for (const codec of ['vp8', 'vp9', 'h264', 'av1'] as const) {
  test(`black pictures in ${codec} stand where nothing is sent, and ffmpeg decodes them`, async () => {
    const black = await blackPicture('ffmpeg', codec, { width: 321, height: 180 });
    const video = { codec, setup: black.setup };
    const stream = new LiveStream({ audio: true, video, originMs: ORIGIN });
    for (let now = 0; now <= 3000; now += 100) {
      stream.tick(ORIGIN + now, black.data);
    }
    stream.end(ORIGIN + 3000, black.data);
    const file = await saved(codec, stream);
    const probed = await probe(file);
    assert.deepEqual(probed.streams, [`${codec}:320x180`, 'opus']);
    assert.ok(longestGap(probed.videoTimes) <= 0.2001, `${longestGap(probed.videoTimes)} s`);
    assert.ok(longestGap(probed.audioTimes) <= 0.0201, `${longestGap(probed.audioTimes)} s`);
    assert.ok(Math.abs(probed.durationSeconds - 3) <= 0.2, `${probed.durationSeconds} s`);
    assert.doesNotMatch(await decodeErrors(file), /rror|nvalid data/);
  });
}

test('sound is packet to packet, whatever is missing, late or out of step', async () => {
  const stream = new LiveStream({ audio: true, video: undefined, originMs: ORIGIN });
  // From before the beginning; then jitter, 100 ms missing, one twice, and a second of silence.
  for (const at of [-40, 0, 23, 38, 61, 180, 180, 200, 1200, 1220]) {
    stream.sound(sound(at));
  }
  stream.end(ORIGIN + 1500, undefined);
  const { audioTimes } = await probe(await saved('sound', stream));
  assert.equal(audioTimes[0], 0);
  assert.equal(audioTimes.length, 75);
  assert.ok(longestGap(audioTimes) <= 0.0201, `${longestGap(audioTimes)} s`);
});

test('a stream that nobody reads ends with an error, and takes no more memory', async () => {
  const stream = new MatroskaStream({ audio: { channels: 2 } });
  const failed = new Promise<unknown>((resolve) => stream.readable.once('error', resolve));
  const packet = Buffer.alloc(1024 * 1024);
  for (let at = 0; at < 80; at += 1) {
    stream.audio(packet, at * 20);
  }
  assert.ok((await failed) instanceof NotReadError);
});
