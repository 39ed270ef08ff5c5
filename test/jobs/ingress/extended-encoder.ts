/** Encoders that send by enhanced RTMP, which ffmpeg 5 does not. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { writeAmf } from '../../../node-image/jobs/ingress/rtmp/amf0';
import { writeMessage } from '../../../node-image/jobs/ingress/rtmp/chunk-reader';
import { type FlvTag, TAG } from '../../../node-image/jobs/ingress/rtmp/flv';

const CHUNK_BYTES = 4096;
const FRAME_MS = 40;
const SECONDS = 8;
const PICTURE = ['-f', 'lavfi', '-i', `testsrc=size=320x180:rate=25:duration=${SECONDS}`];
const TONE = ['-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=44100:duration=${SECONDS}`];

const ffmpeg = (...args: string[]): Buffer =>
  execFileSync('ffmpeg', ['-loglevel', 'error', ...args, 'pipe:1'], { maxBuffer: 64 << 20 });

const START = Buffer.from([0, 0, 1]);
const NAL = { idr: [16, 17, 18, 19, 20, 21], vps: 32, sps: 33, pps: 34, aud: 35 };
const nalType = (nal: Buffer): number => ((nal[0] ?? 0) >> 1) & 0x3f;

function nalUnits(stream: Buffer): Buffer[] {
  const starts: number[] = [];
  for (let at = stream.indexOf(START); at >= 0; at = stream.indexOf(START, at + 3)) starts.push(at);
  return starts.map((from, i) => {
    const to = starts[i + 1] ?? stream.length;
    // The zero before a start code belongs to that.
    return stream.subarray(from + 3, stream[to - 1] === 0 && to < stream.length ? to - 1 : to);
  });
}

const withLength = (nal: Buffer): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(nal.length);
  return Buffer.concat([length, nal]);
};

const video = (kind: number, codec: string, isKey: boolean, data: Buffer, offset?: Buffer) =>
  Buffer.concat([
    Buffer.from([0x80 | (isKey ? 0x10 : 0x20) | kind]),
    Buffer.from(codec),
    ...(offset ? [offset] : []),
    data,
  ]);

/** HEVC with B-frames off, and AAC in the plain form, as OBS sends them. */
export function hevcAndAac(): FlvTag[] {
  const stream = ffmpeg(
    ...PICTURE,
    ...['-c:v', 'libx265', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'],
    ...['-x265-params', 'log-level=none:keyint=25:bframes=0:aud=1:repeat-headers=1', '-f', 'hevc'],
  );
  const units: Buffer[][] = [];
  for (const nal of nalUnits(stream)) {
    if (nalType(nal) === NAL.aud) units.push([]);
    else units.at(-1)?.push(nal);
  }
  const sets = [NAL.vps, NAL.sps, NAL.pps].map((type) =>
    units[0]?.find((nal) => nalType(nal) === type),
  );
  const arrays = sets.map((nal = Buffer.alloc(0), i) => {
    const head = Buffer.from([0x80 | (NAL.vps + i), 0, 1, 0, 0]);
    head.writeUInt16BE(nal.length, 3);
    return Buffer.concat([head, nal]);
  });
  const record = Buffer.alloc(23);
  record.writeUInt8(1, 0);
  record.writeUInt8(0x0f, 21);
  record.writeUInt8(arrays.length, 22);
  const header = video(0, 'hvc1', true, Buffer.concat([record, ...arrays]));
  const frames = units.map((unit, i) => {
    const isKey = unit.some((nal) => NAL.idr.includes(nalType(nal)));
    const data = Buffer.concat(unit.map(withLength));
    // Both forms there are: with the offset, and without.
    return i % 2 === 0
      ? video(1, 'hvc1', isKey, data, Buffer.alloc(3))
      : video(3, 'hvc1', isKey, data);
  });
  return inOrder([...pictures(header, frames), ...aac()]);
}

/** AV1, and Opus in the extended form. */
export function av1AndOpus(): FlvTag[] {
  const file = ffmpeg(
    ...PICTURE,
    ...['-c:v', 'libaom-av1', '-usage', 'realtime', '-cpu-used', '8', '-g', '25', '-f', 'ivf'],
  );
  const frames: Buffer[] = [];
  for (let at = 32; at + 12 <= file.length; at += 12 + file.readUInt32LE(at)) {
    const frame = file.subarray(at + 12, at + 12 + file.readUInt32LE(at));
    // Without the delimiter of time, as files have it.
    frames.push(frame[0] === 0x12 ? frame.subarray(2) : frame);
  }
  const [first = Buffer.alloc(0)] = frames;
  const sequence = first.subarray(0, 2 + (first[1] ?? 0));
  const header = Buffer.concat([Buffer.from([0x81, 0, 0x0c, 0]), sequence]);
  const isKey = (frame: Buffer) => (frame[0] ?? 0) >> 3 === 1;
  const opusHead = Buffer.from('OpusHead\u0001\u0002\0\0\u0080\u00bb\0\0\0\0\0', 'latin1');
  const sound = (kind: number, data: Buffer) =>
    Buffer.concat([Buffer.from([0x90 | kind]), Buffer.from('Opus'), data]);
  const silence = Array.from({ length: SECONDS * 50 }, (_, i) => ({
    ...{ type: TAG.audio, timestamp: i * 20, body: sound(1, Buffer.from([0xf8, 0xff, 0xfe])) },
  }));
  return inOrder([
    ...pictures(
      video(0, 'av01', true, header),
      frames.map((frame) => video(1, 'av01', isKey(frame), frame)),
    ),
    { type: TAG.audio, timestamp: 0, body: sound(0, opusHead) },
    ...silence,
  ]);
}

const pictures = (header: Buffer, frames: readonly Buffer[]): FlvTag[] => [
  { type: TAG.video, timestamp: 0, body: header },
  ...frames.map((body, i) => ({ type: TAG.video, timestamp: i * FRAME_MS, body })),
];

function aac(): FlvTag[] {
  const file = ffmpeg(...TONE, '-ac', '2', '-c:a', 'aac', '-f', 'adts');
  const tags: FlvTag[] = [
    // AAC-LC, 44.1 kHz, two channels.
    { type: TAG.audio, timestamp: 0, body: Buffer.from([0xaf, 0, 0x12, 0x10]) },
  ];
  for (let at = 0, i = 0; at + 7 < file.length; i += 1) {
    const length = (file.readUIntBE(at + 3, 3) >> 5) & 0x1fff;
    const body = Buffer.concat([Buffer.from([0xaf, 1]), file.subarray(at + 7, at + length)]);
    tags.push({ type: TAG.audio, timestamp: Math.round((i * 1024_000) / 44_100), body });
    at += length;
  }
  return tags;
}

/** Headers come before all else. */
const inOrder = (tags: readonly FlvTag[]): FlvTag[] =>
  tags
    .map((tag, i) => ({ tag, i }))
    .sort((a, b) => a.tag.timestamp - b.tag.timestamp || a.i - b.i)
    .map(({ tag }) => tag);

/** Sends tags in their time, over and over, until it is closed. */
export async function sendTags(url: string, key: string, tags: readonly FlvTag[]): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(Buffer.concat([Buffer.from([3]), Buffer.alloc(1536)]));
  await once(socket, 'data');
  socket.write(Buffer.alloc(1536));
  socket.resume();
  const send = (chunk: number, type: number, streamId: number, timestamp: number, body: Buffer) =>
    socket.write(writeMessage(chunk, { type, streamId, timestamp, body }, CHUNK_BYTES));
  const size = Buffer.alloc(4);
  size.writeUInt32BE(CHUNK_BYTES);
  socket.write(writeMessage(2, { type: 1, streamId: 0, timestamp: 0, body: size }, 128));
  send(3, 20, 0, 0, writeAmf('connect', 1, { app: 'live', tcUrl: url }));
  send(3, 20, 0, 0, writeAmf('createStream', 2, null));
  send(3, 20, 1, 0, writeAmf('publish', 3, null, key, 'live'));
  const begunMs = performance.now();
  let [next, round] = [0, 0];
  const timer = setInterval(() => {
    for (;;) {
      const tag = tags[next];
      if (tag === undefined) return;
      const timestamp = tag.timestamp + round * SECONDS * 1000;
      if (timestamp > performance.now() - begunMs) return;
      send(tag.type === TAG.video ? 6 : 4, tag.type, 1, timestamp, tag.body);
      next += 1;
      if (next === tags.length) {
        next = 0;
        round += 1;
      }
    }
  }, 10);
  socket.once('close', () => clearInterval(timer));
  return socket;
}
