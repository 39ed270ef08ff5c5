import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { dispose, VideoCodec } from '@livekit/rtc-node';
import {
  AudioCodec,
  DirectFileOutput,
  EgressClient,
  type EgressInfo,
  EgressStatus,
  EncodedFileOutput,
  EncodedFileType,
  EncodingOptions,
  ImageOutput,
  type RoomCompositeOptions,
  SegmentedFileOutput,
  type WebOptions,
} from 'livekit-server-sdk';
import { buildPage } from '../console/page-server';
import { type Row, report } from '../support/measure-report';
import { startServer, type TestServer } from '../support/server';
import { joinToken } from '../support/tokens';
import { sleep, until } from '../support/wait';
import { flashAndBeepPage, flashesAndBeeps, probe, soundOffsetMs } from './egress/support/media';
import { type Played, Player } from './egress/support/player';
import { FlashBeep } from './egress-tracks/support/flash-beep';
import { listenOnLoopback } from './ingress/media-origin';

const ROOM = 'matrix';
const RECORD_MS = 8000;
const SIZE = { width: 320, height: 180, framerate: 25, videoBitrate: 400 };
const encodingOptions = new EncodingOptions(SIZE);
const options = { encodingOptions };
const withOpus = {
  encodingOptions: new EncodingOptions({ ...SIZE, audioCodec: AudioCodec.OPUS }),
};

/** One recording, and what is to be in its file. */
interface Case {
  readonly name: string;
  readonly start: () => Promise<EgressInfo>;
  readonly codecs: Readonly<Record<string, string>>;
}

let root: string;
let pages: Server;
let pageUrl: string;
let server: TestServer;
let egress: EgressClient;
let player: Player;
const rows: Row[] = [];
const faults: string[] = [];
const publishers = new Map<string, FlashBeep>();

before(async () => {
  buildPage();
  root = await mkdtemp(join(tmpdir(), 'sluice-recordings-'));
  pages = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end(flashAndBeepPage);
  });
  pageUrl = await listenOnLoopback(pages);
  const free = (kinds: readonly string[]) =>
    Object.fromEntries(kinds.map((kind) => [`${kind}_cpu_cost`, 0]));
  server = await startServer({
    alwaysOwn: true,
    config: {
      sluice: { load_scope: 'processes', workers: 1 },
      egress: {
        local_directory: root,
        cpu_cost: free([
          ...['room_composite', 'audio_room_composite', 'web', 'audio_web'],
          ...['participant', 'track_composite', 'track'],
        ]),
      },
    },
  });
  egress = new EgressClient(server.httpUrl, server.apiKey, server.apiSecret);
  player = await Player.open(root);
});

after(async () => {
  for (const publisher of publishers.values()) await publisher.leave();
  await player?.close();
  await server?.close();
  pages?.close();
  await dispose();
  await rm(root, { recursive: true, force: true });
});

const publish = async (identity: string, codec: VideoCodec): Promise<FlashBeep> => {
  const publisher = new FlashBeep();
  publishers.set(identity, publisher);
  await publisher.start({
    ...{ url: server.url, token: await joinToken(server, ROOM, identity), codec },
  });
  return publisher;
};

const ada = async (): Promise<FlashBeep> =>
  publishers.get('ada') ?? (await publish('ada', VideoCodec.VP8));

const file = (filepath: string): EncodedFileOutput => new EncodedFileOutput({ filepath });
const hls = (name: string): SegmentedFileOutput =>
  new SegmentedFileOutput({
    ...{ filenamePrefix: `${name}/s`, playlistName: 'p.m3u8', segmentDuration: 2 },
  });
const images = (name: string): ImageOutput =>
  new ImageOutput({ filenamePrefix: `${name}/i`, captureInterval: 2 });

const reached = async ({ egressId }: EgressInfo, status: EgressStatus): Promise<EgressInfo> => {
  let last: EgressInfo | undefined;
  await until(
    `${egressId} to be ${EgressStatus[status]}`,
    async () => {
      [last] = await egress.listEgress({ egressId });
      return last !== undefined && last.status >= status;
    },
    { timeoutMs: 60_000, explain: () => `${last?.toJsonString()}${server.takeLog()}` },
  );
  assert.ok(last);
  return last;
};

/** Records these at the same time, and looks at what became of each. */
async function record(cases: readonly Case[]): Promise<void> {
  const started = await Promise.all(cases.map(({ start }) => start()));
  await Promise.all(started.map((info) => reached(info, EgressStatus.EGRESS_ACTIVE)));
  await sleep(RECORD_MS);
  const stopped = await Promise.all(
    started.map(async ({ egressId }) => {
      const atMs = Date.now();
      await egress.stopEgress(egressId);
      return atMs;
    }),
  );
  const ended = await Promise.all(
    started.map((info) => reached(info, EgressStatus.EGRESS_COMPLETE)),
  );
  for (const [index, one] of cases.entries()) {
    const info = ended[index];
    assert.ok(info);
    await examine(one, info, stopped[index] ?? 0);
  }
}

async function examine(one: Case, info: EgressInfo, stoppedMs: number): Promise<void> {
  const { name, codecs } = one;
  const [made] = info.fileResults;
  const ranS = stoppedMs / 1000 - Number(info.startedAt) / 1e9;
  const told = Number(made?.duration ?? 0n) / 1e9;
  const path = (made?.location ?? '').replace(`${root}/`, '');
  assert.equal(info.status, EgressStatus.EGRESS_COMPLETE, `${name}: ${info.error}`);
  const times = { ran: ranS, told };
  await look({ name, path, codecs, ...times, play: (one) => player.file(one) });
  const [segments] = info.segmentResults;
  if (segments !== undefined) {
    const playlist = segments.playlistLocation.replace(`${root}/`, '');
    const play = (one: string) => player.hls(one);
    await look({ name: `${name} and HLS`, path: playlist, codecs, ...times, play });
  }
  const [pictures] = info.imageResults;
  if (pictures !== undefined) {
    const folder = join(root, pictures.filenamePrefix.replace(/\/[^/]*$/, ''));
    const count = (await readdir(folder)).filter((entry) => entry.endsWith('.jpeg')).length;
    rows.push({
      case: `${name} and images`,
      figures: { streams: `${count} JPEG` },
    });
  }
}

interface Look {
  readonly name: string;
  /** Below the root. */
  readonly path: string;
  readonly codecs: Case['codecs'];
  /** s: from its start until it was told to stop. */
  readonly ran: number;
  /** s: what EgressInfo says. */
  readonly told: number;
  readonly play: (path: string) => Promise<Played>;
}

/** What is wrong with it is found out at the end: the table has all the same. */
async function look({ name, path, codecs, ran, told, play }: Look): Promise<void> {
  const where = join(root, path);
  const { codecs: found, duration } = await probe(where);
  const both = 'video' in found && 'audio' in found;
  const offset = both ? soundOffsetMs(await flashesAndBeeps(where)) : undefined;
  const played = await play(path).then(
    ({ seconds }) => seconds,
    ({ message }: Error) => message.split('\n')[0] ?? '',
  );
  rows.push({
    case: name,
    figures: {
      streams: Object.values(found).join(' '),
      'ran for': ran.toFixed(2),
      said: told.toFixed(2),
      holds: duration.toFixed(2),
      'sound after picture': offset ?? '',
      played: typeof played === 'number' ? played.toFixed(2) : played,
    },
  });
  const wrong = (what: string): void => void faults.push(`${name}: ${what}`);
  try {
    assert.deepEqual(found, codecs);
  } catch {
    wrong(JSON.stringify(found));
  }
  if (Math.abs(duration - told) > 0.2) wrong(`holds ${duration} s, and says ${told} s`);
  if (offset !== undefined && Math.abs(offset) >= 80) wrong(`the sound is ${offset} ms late`);
  if (typeof played === 'string') wrong(played);
  else if (Math.abs(played - duration) > 0.3) wrong(`${played} s of ${duration} s were played`);
}

test('tracks as they are', { timeout: 300_000 }, async () => {
  const vp8 = await ada();
  const h264 = await publish('h264', VideoCodec.H264);
  const vp9 = await publish('vp9', VideoCodec.VP9);
  const av1 = await publish('av1', VideoCodec.AV1);
  const track = (name: string, sid: string, codecs: Case['codecs']): Case => ({
    name: `track, ${name}`,
    codecs,
    start: () =>
      egress.startTrackEgress(ROOM, new DirectFileOutput({ filepath: `track-${name}` }), sid),
  });
  await record([
    track('VP8', vp8.videoSid, { video: 'vp8' }),
    track('H264', h264.videoSid, { video: 'h264' }),
    track('VP9', vp9.videoSid, { video: 'vp9' }),
    track('AV1', av1.videoSid, { video: 'av1' }),
    track('Opus', vp8.audioSid, { audio: 'opus' }),
  ]);
  for (const one of [h264, vp9, av1]) await one.leave();
});

test('participants', { timeout: 300_000 }, async () => {
  await ada();
  const participant = (
    name: string,
    codecs: Case['codecs'],
    outputs: Parameters<typeof egress.startParticipantEgress>[2],
    how: Parameters<typeof egress.startParticipantEgress>[3] = options,
  ): Case => ({
    name: `participant, ${name}`,
    codecs,
    start: () => egress.startParticipantEgress(ROOM, 'ada', outputs, how),
  });
  await record([
    participant(
      'MP4',
      { video: 'h264', audio: 'aac' },
      {
        ...{ file: file('p.mp4'), segments: hls('p'), images: images('p-images') },
      },
    ),
    participant('WebM', { video: 'vp8', audio: 'opus' }, { file: file('p.webm') }),
    participant(
      'MP4 with Opus',
      { video: 'h264', audio: 'opus' },
      { file: file('po.mp4') },
      withOpus,
    ),
  ]);
});

test('two tracks, and one of sound', { timeout: 300_000 }, async () => {
  const publisher = await ada();
  const both = { audioTrackId: publisher.audioSid, videoTrackId: publisher.videoSid };
  const sound = { audioTrackId: publisher.audioSid };
  const composite = (
    name: string,
    codecs: Case['codecs'],
    outputs: Parameters<typeof egress.startTrackCompositeEgress>[1],
    tracks: { audioTrackId?: string; videoTrackId?: string },
  ): Case => ({
    name: `track composite, ${name}`,
    codecs,
    start: () => egress.startTrackCompositeEgress(ROOM, outputs, { ...tracks, ...options }),
  });
  await record([
    composite(
      'MP4',
      { video: 'h264', audio: 'aac' },
      { file: file('c.mp4'), segments: hls('c') },
      both,
    ),
    composite('WebM', { video: 'vp8', audio: 'opus' }, { file: file('c.webm') }, both),
    composite('OGG', { audio: 'opus' }, { file: file('c.ogg') }, sound),
    composite(
      'MP3',
      { audio: 'mp3' },
      {
        file: new EncodedFileOutput({ filepath: 'c.mp3', fileType: EncodedFileType.MP3 }),
      },
      sound,
    ),
  ]);
});

const stage = (
  name: string,
  codecs: Case['codecs'],
  outputs: Parameters<typeof egress.startRoomCompositeEgress>[1],
  more: RoomCompositeOptions = {},
): Case => ({
  name: `Room composite, ${name}`,
  codecs,
  start: () =>
    egress.startRoomCompositeEgress(ROOM, outputs, { layout: 'speaker', ...options, ...more }),
});

test('Room composite', { timeout: 300_000 }, async () => {
  await ada();
  await record([
    stage(
      'MP4',
      { video: 'h264', audio: 'aac' },
      {
        ...{ file: file('r.mp4'), segments: hls('r') },
      },
    ),
  ]);
  await record([stage('WebM', { video: 'vp8', audio: 'opus' }, { file: file('r.webm') })]);
});

test('Room composite, of its sound alone', { timeout: 300_000 }, async () => {
  await ada();
  await record([
    stage('OGG', { audio: 'opus' }, { file: file('r.ogg') }, { audioOnly: true }),
    stage('MP4 of sound', { audio: 'aac' }, { file: file('s.mp4') }, { audioOnly: true }),
  ]);
  await record([
    stage('WebM of a picture', { video: 'vp8' }, { file: file('v.webm') }, { videoOnly: true }),
  ]);
});

test('web', { timeout: 300_000 }, async () => {
  const web = (
    name: string,
    codecs: Case['codecs'],
    outputs: Parameters<typeof egress.startWebEgress>[1],
    more: WebOptions = {},
  ): Case => ({
    name: `web, ${name}`,
    codecs,
    start: () =>
      egress.startWebEgress(pageUrl, outputs, { ...options, awaitStartSignal: true, ...more }),
  });
  await record([
    web('MP4', { video: 'h264', audio: 'aac' }, { file: file('w.mp4'), segments: hls('w') }),
  ]);
  await record([
    web('WebM', { video: 'vp8', audio: 'opus' }, { file: file('w.webm') }),
    web(
      'MP3',
      { audio: 'mp3' },
      {
        file: new EncodedFileOutput({ filepath: 'w.mp3', fileType: EncodedFileType.MP3 }),
      },
      { audioOnly: true },
    ),
  ]);
});

test('the table', async (t) => {
  await report(t, {
    name: 'recordings',
    about:
      'A page, or a participant of rtc-node, flashes and beeps once a second. Each is recorded for 8 s or more by a Single Node ' +
      'that shares its machine with the publishers; files are looked at by ffprobe, and played to their end in Chromium.',
    units: { 'ran for': 's', said: 's', holds: 's', played: 's', 'sound after picture': 'ms' },
    rows,
  });
  assert.deepEqual(faults, []);
});
