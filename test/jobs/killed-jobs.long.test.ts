import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { after, before, test } from 'node:test';
import { dispose, VideoCodec } from '@livekit/rtc-node';
import {
  DirectFileOutput,
  EgressStatus,
  EncodedFileOutput,
  EncodingOptions,
  ImageOutput,
  IngressClient,
  IngressInput,
  SegmentedFileOutput,
  StreamOutput,
} from 'livekit-server-sdk';
import type { ClusterNode } from '../support/cluster-node';
import { type Row, report } from '../support/measure-report';
import { freeTcpPort } from '../support/ports';
import { NodeClient } from '../support/rtc-node';
import { joinToken } from '../support/tokens';
import { sleep, until } from '../support/wait';
import { flashAndBeepPage } from './egress/support/media';
import { RecordingCluster } from './egress/support/recording-cluster';
import { FlashBeep } from './egress-tracks/support/flash-beep';
import { startMediaOrigin } from './ingress/media-origin';
import {
  type Killed,
  killedFile,
  killedHls,
  killedStream,
  storedMs,
} from './support/killed-recordings';

const SMALL = new EncodingOptions({ width: 320, height: 180, framerate: 15, videoBitrate: 300 });
const options = { encodingOptions: SMALL };
const { EGRESS_ACTIVE } = EgressStatus;
const PLAY_MS = 9000;
const TARGET_MS = 6000;

let recording: RecordingCluster;
let rtmpUrl = '';
const rows: Row[] = [];
const encoders: ChildProcess[] = [];
const ends: (() => void | Promise<void>)[] = [];

before(async () => {
  const port = await freeTcpPort();
  rtmpUrl = `rtmp://127.0.0.1:${port}/live`;
  recording = await RecordingCluster.start({
    mediaNodes: 3,
    config: {
      ingress: {
        ...{ rtmp_port: port, rtmp_base_url: rtmpUrl, allow_private_urls: true },
        cpu_cost: { rtmp_cpu_cost: 0.01, url_cpu_cost: 0.01, min_idle_ratio: 0 },
      },
    },
  });
});
after(async () => {
  for (const end of ends) await end();
  for (const encoder of encoders) encoder.kill('SIGKILL');
  await recording?.close();
  await dispose();
});

const hls = (name: string): SegmentedFileOutput =>
  new SegmentedFileOutput({
    ...{ filenamePrefix: `${name}/s`, playlistName: `${name}/p.m3u8`, segmentDuration: 2 },
  });
const file = (filepath: string): EncodedFileOutput => new EncodedFileOutput({ filepath });

const active = (ids: readonly string[], retries: number): Promise<unknown> =>
  Promise.all(
    ids.map((id) =>
      recording.seen(
        id,
        `being recorded (${retries} times taken over)`,
        ({ status, retryCount }) => status === EGRESS_ACTIVE && retryCount === retries,
        120_000,
      ),
    ),
  );

/** A machine that is busy with other tests takes its time. */
const serving = (): Promise<unknown> =>
  until(
    'all nodes to serve',
    () =>
      recording.cluster.untilServing().then(
        () => true,
        () => false,
      ),
    { timeoutMs: 90_000 },
  );

/** Kills the node that runs these, lets the next one record for a while, and ends them. */
async function kill(
  named: Readonly<Record<string, string>>,
  after: (killedAtMs: number) => Promise<void> = async () => {},
): Promise<Map<string, Killed>> {
  const ids = Object.values(named);
  await active(ids, 0);
  await sleep(PLAY_MS);
  const nodes = new Set(await Promise.all(ids.map((id) => recording.nodeOf(id))));
  assert.equal(nodes.size, 1, 'they do not run on one node');
  const [node] = nodes;
  const killedAtMs = Date.now();
  await node?.kill();
  await after(killedAtMs);
  await active(ids, 1);
  await sleep(PLAY_MS);
  const stoppedAtMs = Date.now();
  await Promise.all(ids.map((id) => recording.egress.stopEgress(id)));
  const ended = await Promise.all(ids.map((id) => recording.ended(id, 60_000)));
  await node?.start();
  await serving();
  return new Map(
    Object.keys(named).map((name, index) => {
      const info = ended[index];
      assert.ok(info);
      return [name, { name, killedAtMs, stoppedAtMs, info }];
    }),
  );
}

const of = (killed: Map<string, Killed>, name: string): Killed => {
  const found = killed.get(name);
  assert.ok(found);
  return found;
};

/** A publisher whose Room is on another node than what records it. */
async function farPublisher(): Promise<{ room: string; client: FlashBeep; first: string }> {
  const { cluster, egress } = recording;
  for (let index = 0; ; index += 1) {
    const room = `far-${index}`;
    const client = new FlashBeep();
    const token = await joinToken(cluster, room, 'ada');
    await client.start({ url: cluster.url, token, codec: VideoCodec.VP8 });
    const { egressId } = await egress.startParticipantEgress(
      ...([room, 'ada', { segments: hls(`participant-${index}`) }, options] as const),
    );
    await active([egressId], 0);
    const [own, others] = [await recording.nodeOf(egressId), await cluster.roomNode(room)];
    if (own !== others) return { room, client, first: egressId };
    await egress.stopEgress(egressId);
    await recording.ended(egressId);
    await client.leave();
    assert.ok(index < 12, 'no Room is on another node than its recording');
  }
}

/** Takes RTMP again and again, as a platform does, and knows when something came. */
async function rtmpReceiver(): Promise<{
  url: string;
  since(ms: number): number | undefined;
  close(): void;
}> {
  const [port, inner] = [await freeTcpPort(), await freeTcpPort()];
  const came: number[] = [];
  let child: ChildProcess | undefined;
  let isClosed = false;
  const listen = (): void => {
    if (isClosed) return;
    const input = [
      '-v',
      'quiet',
      '-listen',
      '1',
      '-f',
      'flv',
      '-i',
      `rtmp://127.0.0.1:${port}/live/k`,
    ];
    child = spawn('ffmpeg', [...input, '-c', 'copy', '-f', 'mpegts', `tcp://127.0.0.1:${inner}`], {
      stdio: 'ignore',
    });
    child.once('exit', () => setTimeout(listen, 100));
  };
  const sink = createTcpServer((socket) => {
    socket.on('data', () => came.push(Date.now()));
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => sink.listen(inner, '127.0.0.1', resolve));
  listen();
  return {
    url: `rtmp://127.0.0.1:${port}/live/k`,
    since: (ms) => came.find((at) => at > ms),
    close: () => {
      isClosed = true;
      child?.kill('SIGKILL');
      sink.close();
    },
  };
}

test('participants, tracks, pictures and streams', { timeout: 400_000 }, async () => {
  const { egress } = recording;
  const receiver = await rtmpReceiver();
  ends.push(() => receiver.close());
  const { room, client, first } = await farPublisher();
  ends.push(() => client.leave());
  const participant = (outputs: Parameters<typeof egress.startParticipantEgress>[2]) =>
    egress.startParticipantEgress(room, 'ada', outputs, options);
  const tracks = { audioTrackId: client.audioSid, videoTrackId: client.videoSid };
  const composite = await egress.startTrackCompositeEgress(
    ...([room, { file: file('composite.mp4') }, { ...tracks, ...options }] as const),
  );
  const sound = await egress.startTrackEgress(
    room,
    new DirectFileOutput({ filepath: 'sound' }),
    client.audioSid,
  );
  const picture = await egress.startTrackEgress(
    room,
    new DirectFileOutput({ filepath: 'picture' }),
    client.videoSid,
  );
  const mp4 = await participant({ file: file('participant.mp4') });
  const images = await participant({
    images: new ImageOutput({ filenamePrefix: 'image', captureInterval: 1 }),
  });
  const stream = await participant({ stream: new StreamOutput({ urls: [receiver.url] }) });
  const files: Record<string, string> = {};
  const stored: Record<string, number> = {};
  let imagesBefore = 0;
  let firstAgainMs: number | undefined;
  const killed = await kill(
    {
      'participant, HLS': first,
      'participant, MP4': mp4.egressId,
      'track composite, MP4': composite.egressId,
      'track of sound, OGG': sound.egressId,
      'track of a picture, WebM': picture.egressId,
      'images, one a second': images.egressId,
      'stream by RTMP': stream.egressId,
    },
    async (killedAtMs) => {
      for (const [name, { egressId }] of Object.entries({ mp4, composite, sound, picture })) {
        files[name] = (await recording.info(egressId)).fileResults[0]?.filename ?? '';
        stored[name] = await storedMs(recording, files[name]);
      }
      imagesBefore = (await recording.stored()).filter((key) => key.startsWith('image_')).length;
      // What is on its way when it is killed still comes.
      const since = (): number | undefined => receiver.since(killedAtMs + 1500);
      await until('the stream to come again', since, { timeoutMs: 90_000 });
      firstAgainMs = (since() ?? 0) - killedAtMs;
    },
  );
  rows.push(await killedHls(recording, of(killed, 'participant, HLS')));
  for (const [name, key] of [
    ['participant, MP4', 'mp4'],
    ['track composite, MP4', 'composite'],
    ['track of sound, OGG', 'sound'],
    ['track of a picture, WebM', 'picture'],
  ] as const) {
    rows.push(await killedFile(recording, of(killed, name), stored[key] ?? 0));
  }
  const all = (await recording.stored()).filter((key) => key.startsWith('image_'));
  assert.ok(all.length > imagesBefore);
  rows.push(killedStream(of(killed, 'images, one a second'), `${all.length} images in all`));
  rows.push(killedStream(of(killed, 'stream by RTMP'), firstAgainMs ?? ''));
  await client.leave();
});

test('Room composite and web', { timeout: 400_000 }, async () => {
  const { cluster, egress } = recording;
  const client = new FlashBeep();
  ends.push(() => client.leave());
  await client.start({
    ...{ url: cluster.url, token: await joinToken(cluster, 'stage', 'ada') },
    codec: VideoCodec.VP8,
  });
  const composite = await egress.startRoomCompositeEgress(
    ...(['stage', { segments: hls('stage'), file: file('stage.mp4') }, options] as const),
  );
  let stored = 0;
  const killed = await kill({ 'Room composite, HLS': composite.egressId }, async () => {
    stored = await storedMs(recording, 'stage.mp4');
  });
  const one = of(killed, 'Room composite, HLS');
  rows.push(await killedHls(recording, one));
  rows.push(await killedFile(recording, { ...one, name: 'Room composite, MP4' }, stored));
  await client.leave();

  const pages: Server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(flashAndBeepPage);
  });
  ends.push(() => void pages.close());
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve));
  const address = pages.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`;
  const web = await egress.startWebEgress(
    ...([url, { segments: hls('web') }, { ...options, awaitStartSignal: true }] as const),
  );
  rows.push(await killedHls(recording, of(await kill({ 'web, HLS': web.egressId }), 'web, HLS')));
});

test('Ingress by RTMP and of a URL', { timeout: 300_000 }, async () => {
  const { cluster } = recording;
  const client = new IngressClient(cluster.httpUrl, cluster.apiKey, cluster.apiSecret);
  const origin = await startMediaOrigin(120);
  ends.push(() => origin.close());
  const pulled = await client.createIngress(IngressInput.URL_INPUT, {
    ...{ roomName: 'pulled', participantIdentity: 'sender', url: `${origin.url}/a.mp4` },
  });
  const pushed = await client.createIngress(IngressInput.RTMP_INPUT, {
    ...{ roomName: 'pushed', participantIdentity: 'sender' },
  });
  let isOver = false;
  ends.push(() => {
    isOver = true;
  });
  // As encoders do, it connects again by itself.
  const encode = (): void => {
    if (isOver) return;
    const child = spawn(
      'ffmpeg',
      [
        ...['-loglevel', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc=size=320x180:rate=25'],
        ...['-f', 'lavfi', '-i', 'sine,volume=4', '-c:v', 'libx264', '-preset', 'ultrafast'],
        ...['-g', '25', '-bf', '0', '-pix_fmt', 'yuv420p', '-c:a', 'aac'],
        ...['-f', 'flv', `${rtmpUrl}/${pushed.streamKey}`],
      ],
      { stdio: 'ignore' },
    );
    encoders.push(child);
    child.once('exit', () => setTimeout(encode, 500));
  };
  encode();
  for (const [name, { ingressId, roomName }] of [
    ['Ingress of a URL', pulled],
    ['Ingress by RTMP, encoder connects again after 0.5 s', pushed],
  ] as const) {
    const viewer = new NodeClient();
    await viewer.connect(cluster.url, await joinToken(cluster, roomName, 'viewer'));
    await viewer.sees('sender', 10, 40_000);
    const node: ClusterNode = await cluster.roomNode(roomName);
    const stateOf = async () => (await client.listIngress({ ingressId }))[0]?.state;
    const before = await stateOf();
    const killedAtMs = Date.now();
    await node.kill();
    await until(
      'another run of it',
      async () => (await stateOf())?.resourceId !== before?.resourceId,
      { timeoutMs: 90_000, explain: () => cluster.log().slice(-6000) },
    );
    await viewer.sees('sender', 3, 60_000);
    const figures = { lost: 'nothing is kept', 'not recorded': Date.now() - killedAtMs };
    rows.push({ case: name, figures: { ...figures, 'taken over': '', became: 'seen again' } });
    await viewer.leave();
    await client.deleteIngress(ingressId);
    await node.start();
    await serving();
  }
});

test('the table', async (t) => {
  await report(t, {
    name: 'killed-jobs',
    about:
      'The Media Node that runs a job is killed with SIGKILL. Lost: what it had recorded and not yet stored. ' +
      'Not recorded: until the next node recorded, or sent. Publishers, cluster and storage share the machine.',
    units: { lost: 'ms of media', 'not recorded': 'ms' },
    rows,
  });
  for (const { case: name, figures } of rows) {
    const { lost } = figures;
    if (typeof lost === 'number') assert.ok(lost < TARGET_MS, `${name}: ${lost} ms are lost`);
  }
});
