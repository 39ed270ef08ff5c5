import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  AudioChannel,
  AudioMixing,
  ParticipantInfo_Kind,
  StartEgressRequest,
} from '@livekit/protocol';
import { dispose, VideoCodec } from '@livekit/rtc-node';
import {
  AccessToken,
  EgressClient,
  type EgressInfo,
  EgressStatus,
  EncodedFileOutput,
  EncodingOptions,
  ImageOutput,
  RoomServiceClient,
  SegmentedFileOutput,
} from 'livekit-server-sdk';
import { buildPage } from '../../console/page-server';
import { blocksOf, REPOSITORY, readPages } from '../../docs/support/pages';
import { openBrowser } from '../../support/browser';
import { NodeClient } from '../../support/rtc-node';
import { startServer, type TestServer } from '../../support/server';
import { joinToken } from '../../support/tokens';
import { until } from '../../support/wait';
import { listenForWebhooks, type WebhookListener } from '../../support/webhooks';
import {
  brightnessOf,
  channelsOf,
  flashAndBeepPage,
  flashesAndBeeps,
  probe,
  soundOffsetMs,
} from './support/media';
import { toneOf } from './support/sound-receiver';

const SMALL = new EncodingOptions({ width: 640, height: 360, framerate: 25, videoBitrate: 800 });

describe('Egress of pages and Rooms on a Single Node', () => {
  let root: string;
  let pages: Server;
  let pageUrl: string;
  let webhooks: WebhookListener;
  let server: TestServer;
  let egress: EgressClient;
  let rooms: RoomServiceClient;

  before(async () => {
    buildPage();
    root = await mkdtemp(join(tmpdir(), 'sluice-egress-test-'));
    pages = createServer((request, response) => {
      const [, recorded] = /^\/recordings\/([\w./-]+)$/.exec(request.url ?? '') ?? [];
      if (recorded !== undefined) {
        response.setHeader('access-control-allow-origin', '*');
        createReadStream(join(root, 'recordings', recorded)).pipe(response);
        return;
      }
      response.setHeader('content-type', 'text/html');
      response.end(request.url === '/silent' ? '<!doctype html>never starts' : flashAndBeepPage);
    });
    await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve));
    const address = pages.address();
    pageUrl = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
    webhooks = await listenForWebhooks();
    server = await startServer({
      alwaysOwn: true,
      config: {
        sluice: { load_scope: 'processes', workers: 1 },
        webhook: { urls: [webhooks.url], api_key: 'devkey' },
        egress: {
          local_directory: join(root, 'recordings'),
          // A machine that tests has other work too.
          start_signal_timeout: '10s',
          cpu_cost: { room_composite_cpu_cost: 0, web_cpu_cost: 0 },
        },
      },
    });
    const { httpUrl, apiKey, apiSecret } = server;
    webhooks.trust(server);
    egress = new EgressClient(httpUrl, apiKey, apiSecret);
    rooms = new RoomServiceClient(httpUrl, apiKey, apiSecret);
  });

  after(async () => {
    await server?.close();
    await dispose();
    await webhooks?.close();
    pages?.close();
    await rm(root, { recursive: true, force: true });
  });

  const seen = async (id: string): Promise<EgressInfo> => {
    const [info] = await egress.listEgress({ egressId: id });
    assert.ok(info);
    return info;
  };
  const reached = async (id: string, status: EgressStatus): Promise<EgressInfo> => {
    let last: EgressInfo | undefined;
    await until(
      `Egress ${id} to be ${EgressStatus[status]}`,
      async () => {
        last = await seen(id);
        return last.status >= status;
      },
      {
        timeoutMs: 60_000,
        explain: () => server.takeLog(),
      },
    );
    assert.ok(last);
    return last;
  };

  it('records a page as MP4, HLS and pictures, with the sound in step', async () => {
    const started = await egress.startWebEgress(
      `${pageUrl}/`,
      {
        file: new EncodedFileOutput({ filepath: 'files/page-{time}' }),
        segments: new SegmentedFileOutput({
          filenamePrefix: 'hls/part',
          playlistName: 'all.m3u8',
          livePlaylistName: 'live.m3u8',
          segmentDuration: 2,
        }),
        images: new ImageOutput({ filenamePrefix: 'pictures/p', captureInterval: 3 }),
      },
      { encodingOptions: SMALL, awaitStartSignal: true },
    );
    assert.equal(started.status, EgressStatus.EGRESS_STARTING);
    await reached(started.egressId, EgressStatus.EGRESS_ACTIVE);
    await until(
      'a live playlist that lists 6 segments later than its first',
      async () => (await seen(started.egressId)).segmentResults[0]?.segmentCount === 6n,
      { timeoutMs: 40_000 },
    );
    const live = await readFile(join(root, 'recordings/hls/live.m3u8'), 'utf8');
    assert.match(live, /#EXT-X-MEDIA-SEQUENCE:1\n/);
    await egress.stopEgress(started.egressId);
    const ended = await reached(started.egressId, EgressStatus.EGRESS_COMPLETE);
    assert.equal(ended.status, EgressStatus.EGRESS_COMPLETE, ended.error);

    const [file] = ended.fileResults;
    const made = await probe(file?.location ?? '');
    assert.deepEqual(made.codecs, { video: 'h264', audio: 'aac' });
    assert.deepEqual([made.width, made.height], [640, 360]);
    assert.ok(Math.abs(made.duration - Number(file?.duration) / 1e9) < 0.2, `${made.duration} s`);
    const offset = soundOffsetMs(await flashesAndBeeps(file?.location ?? ''));
    assert.ok(Math.abs(offset) < 80, `the sound is ${offset} ms late`);
    const hls = await probe(join(root, 'recordings/hls/all.m3u8'));
    assert.ok(Math.abs(hls.duration - made.duration) < 0.2, `${hls.duration} s of HLS`);
    const pictures = await readdir(join(root, 'recordings/pictures'));
    assert.ok(pictures.length >= 3, pictures.join(', '));
    await webhooks.event('egress_started', (event) => isOf(event.egressInfo, started));
    const told = await webhooks.event('egress_ended', (event) => isOf(event.egressInfo, started));
    assert.equal(told.egressInfo?.status, EgressStatus.EGRESS_COMPLETE);
  });

  it('has made what Chromium plays: the file, and the segments one after the other', async () => {
    const files = await readdir(join(root, 'recordings/files'));
    const name = files.find((one) => one.endsWith('.mp4')) ?? '';
    const segments = (await readdir(join(root, 'recordings/hls'))).filter((one) =>
      /^part_\d+\.m4s$/.test(one),
    );
    const parts = ['part_init.mp4', ...segments.sort()].map(
      (one) => `${pageUrl}/recordings/hls/${one}`,
    );
    const browser = await openBrowser();
    try {
      const { page } = await browser.openPage();
      const file = await page.evaluate(playedFile, `${pageUrl}/recordings/files/${name}`);
      assert.ok(file.seconds > 8, JSON.stringify(file));
      assert.deepEqual([file.width, file.height], [640, 360]);
      const hls = await page.evaluate(playedSegments, parts);
      assert.ok(hls.seconds > 8, JSON.stringify(hls));
      assert.deepEqual([hls.width, hls.height], [640, 360]);
    } finally {
      await browser.close();
    }
  });

  it('gives up a page that never says that it starts', async () => {
    const started = await egress.startWebEgress(
      `${pageUrl}/silent`,
      { file: new EncodedFileOutput({ filepath: 'files/silent' }) },
      { encodingOptions: SMALL, awaitStartSignal: true },
    );
    const ended = await reached(started.egressId, EgressStatus.EGRESS_COMPLETE);
    assert.equal(ended.status, EgressStatus.EGRESS_ABORTED);
    assert.match(ended.error, /Start signal not received/);
    const told = await webhooks.event('egress_ended', (event) => isOf(event.egressInfo, started));
    assert.deepEqual(
      [told.egressInfo?.status, told.egressInfo?.error, told.egressInfo?.errorCode],
      [ended.status, ended.error, 412],
    );
    await assert.rejects(egress.stopEgress(started.egressId), /cannot be stopped/);
  });

  it('records a Room by its page, in another layout when asked, its agent on the left', async () => {
    await rooms.createRoom({ name: 'recorded' });
    const speaker = new NodeClient();
    const agent = new NodeClient();
    const silenced = new NodeClient();
    try {
      const token = new AccessToken(server.apiKey, server.apiSecret, { identity: 'bot' });
      token.addGrant({ roomJoin: true, room: 'recorded' });
      token.kind = 'agent';
      await agent.connect(server.url, await token.toJwt());
      await agent.publishTone(660);
      await speaker.connect(server.url, await joinToken(server, 'recorded', 'ada'));
      await speaker.publishVideo({ codec: VideoCodec.VP8, width: 640, height: 360 });
      await speaker.publishTone();
      const started = await egress.startRoomCompositeEgress(
        'recorded',
        { file: new EncodedFileOutput({ filepath: 'files/{room_name}.mp4' }) },
        { layout: 'grid', encodingOptions: SMALL, audioMixing: AudioMixing.DUAL_CHANNEL_AGENT },
      );
      // Of the three the speaker alone, whose sound is left of that of the agents.
      await silenced.connect(server.url, await joinToken(server, 'recorded', 'carl'));
      await silenced.publishTone(880);
      const { LEFT, RIGHT } = AudioChannel;
      const picked = await egress.startEgress(
        new StartEgressRequest({
          roomName: 'recorded',
          source: {
            case: 'media',
            value: {
              video: { case: 'participantVideo', value: { identity: 'ada' } },
              audio: {
                routes: [
                  { match: { case: 'participantIdentity', value: 'ada' }, channel: LEFT },
                  {
                    match: { case: 'participantKind', value: ParticipantInfo_Kind.AGENT },
                    channel: RIGHT,
                  },
                ],
              },
            },
          },
          encoding: { case: 'advanced', value: SMALL },
          outputs: [{ config: { case: 'file', value: { filepath: 'files/picked.mp4' } } }],
        }),
      );
      await reached(picked.egressId, EgressStatus.EGRESS_ACTIVE);
      await reached(started.egressId, EgressStatus.EGRESS_ACTIVE);
      const [room] = await rooms.listRooms(['recorded']);
      assert.equal(room?.activeRecording, true);
      await egress.updateLayout(started.egressId, 'speaker');
      await new Promise((resolve) => setTimeout(resolve, 4000));
      await rooms.deleteRoom('recorded');
      const ended = await reached(started.egressId, EgressStatus.EGRESS_COMPLETE);
      assert.equal(ended.status, EgressStatus.EGRESS_COMPLETE, ended.error);
      const made = await probe(join(root, 'recordings/files/recorded.mp4'));
      assert.deepEqual(made.codecs, { video: 'h264', audio: 'aac' });
      assert.ok(made.duration > 3, `${made.duration} s`);
      const endOfPicked = await reached(picked.egressId, EgressStatus.EGRESS_COMPLETE);
      assert.equal(endOfPicked.status, EgressStatus.EGRESS_COMPLETE, endOfPicked.error);
      const pickedFile = join(root, 'recordings/files/picked.mp4');
      assert.deepEqual((await probe(pickedFile)).codecs, { video: 'h264', audio: 'aac' });
      const bright = await brightnessOf(pickedFile);
      assert.ok(
        bright > 40,
        `the picture is grey with a bright bar, and no page around it: ${bright}`,
      );
      const heardOf = async (path: string) =>
        (await channelsOf(path)).map((one) =>
          [440, 660, 880].map((hz) => toneOf(one, hz) > 0.04 && hz),
        );
      assert.deepEqual(await heardOf(pickedFile), [
        [440, false, false],
        [false, 660, false],
      ]);
      assert.deepEqual(await heardOf(join(root, 'recordings/files/recorded.mp4')), [
        [false, 660, false],
        [440, false, 880],
      ]);
    } finally {
      await silenced.leave();
      await agent.leave();
      await speaker.leave();
    }
  });

  it('does what docs/egress.md and the README show', async () => {
    const blocks = readPages()
      .filter(({ path }) => ['docs/egress.md', 'README.md'].includes(path))
      .flatMap(blocksOf)
      .filter(({ language, text }) => language === 'ts' && text.includes('EgressClient'));
    assert.equal(blocks.length, 2);
    const { httpUrl, apiKey, apiSecret } = server;
    // Among the packages that it imports.
    const folder = join(REPOSITORY, 'out', `egress-${process.pid}`);
    await mkdir(folder, { recursive: true });
    const speaker = new NodeClient();
    try {
      await speaker.connect(server.url, await joinToken(server, 'demo', 'ada'));
      await speaker.publishTone();
      for (const { page, text } of blocks) {
        const script = text
          .replace(/https?:\/\/(?:meet\.example\.com|127\.0\.0\.1:7880)/, httpUrl)
          .replace(/'(?:dev)?key', 'secret'/, `'${apiKey}', '${apiSecret}'`);
        await writeFile(join(folder, 'snippet.mts'), script);
        const args = ['--import', 'tsx', join(folder, 'snippet.mts')];
        const id = execFileSync(process.execPath, args, { encoding: 'utf8' }).trim();
        await reached(id, EgressStatus.EGRESS_ACTIVE);
        await egress.stopEgress(id);
        const ended = await reached(id, EgressStatus.EGRESS_COMPLETE);
        assert.equal(ended.status, EgressStatus.EGRESS_COMPLETE, ended.error);
        const [segments] = ended.segmentResults;
        if (page === 'docs/egress.md') assert.match(segments?.playlistName ?? '', /all\.m3u8$/);
        assert.match(ended.fileResults[0]?.location ?? '', /recordings\/demo.*\.mp4$/);
      }
    } finally {
      await speaker.leave();
      await rm(folder, { recursive: true, force: true });
    }
  });
});

const isOf = (info: EgressInfo | undefined, other: EgressInfo): boolean =>
  info?.egressId === other.egressId;

interface Played {
  /** That could be played. */
  readonly seconds: number;
  readonly width: number;
  readonly height: number;
}

/** In the page: at 4 times its speed, to the end. */
async function playedFile(url: string): Promise<Played> {
  const video = document.createElement('video');
  video.muted = true;
  video.src = url;
  video.playbackRate = 4;
  await new Promise((resolve, reject) => {
    video.onended = resolve;
    video.onerror = () => reject(new Error(video.error?.message));
    video.play().catch(reject);
  });
  return { seconds: video.currentTime, width: video.videoWidth, height: video.videoHeight };
}

/** In the page: as players of HLS do, by a SourceBuffer. */
async function playedSegments(urls: readonly string[]): Promise<Played> {
  const video = document.createElement('video');
  video.muted = true;
  const media = new MediaSource();
  video.src = URL.createObjectURL(media);
  await new Promise((resolve) => {
    media.onsourceopen = resolve;
  });
  const buffer = media.addSourceBuffer('video/mp4; codecs="avc1.4d401f,mp4a.40.2"');
  for (const url of urls) {
    const bytes = await (await fetch(url)).arrayBuffer();
    await new Promise((resolve, reject) => {
      buffer.onupdateend = resolve;
      buffer.onerror = () => reject(new Error(`${url} was not taken`));
      buffer.appendBuffer(bytes);
    });
  }
  media.endOfStream();
  video.playbackRate = 4;
  await new Promise((resolve, reject) => {
    video.onended = resolve;
    video.onerror = () => reject(new Error(video.error?.message));
    video.play().catch(reject);
  });
  return { seconds: video.currentTime, width: video.videoWidth, height: video.videoHeight };
}
