import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { dispose, VideoCodec } from '@livekit/rtc-node';
import {
  AutoTrackEgress,
  DirectFileOutput,
  EgressClient,
  type EgressInfo,
  EgressStatus,
  EncodedFileOutput,
  EncodingOptions,
  RoomEgress,
  RoomServiceClient,
  TrackType,
  WebhookConfig,
} from 'livekit-server-sdk';
import { NodeClient } from '../../support/rtc-node';
import { startServer, type TestServer } from '../../support/server';
import { joinToken } from '../../support/tokens';
import { sleep, until } from '../../support/wait';
import { listenForWebhooks } from '../../support/webhooks';
import { probe } from './support/media';
import { filesBelow } from './support/runs';
import { channelOf, receiveSound, toneOf } from './support/sound-receiver';

const SMALL = new EncodingOptions({ width: 320, height: 180, framerate: 15, videoBitrate: 300 });
const ROOM = 'studio';
const FREE = {
  participant_cpu_cost: 0,
  track_composite_cpu_cost: 0,
  track_cpu_cost: 0,
  web_cpu_cost: 1000 / 4,
};

describe('Egress of tracks on a Single Node', () => {
  let root: string;
  let server: TestServer;
  let egress: EgressClient;
  const ada = new NodeClient();

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'sluice-track-egress-'));
    server = await startServer({
      alwaysOwn: true,
      // A machine that tests has other work too.
      config: {
        sluice: { load_scope: 'processes', workers: 1 },
        egress: { local_directory: root, cpu_cost: FREE },
        room: { enable_remote_unmute: true },
      },
    });
    const { httpUrl, apiKey, apiSecret } = server;
    egress = new EgressClient(httpUrl, apiKey, apiSecret);
    const rooms = new RoomServiceClient(httpUrl, apiKey, apiSecret);
    const tracks = new AutoTrackEgress({
      ...{ filepath: 'auto/{track_type}-{track_source}', disableManifest: true },
    });
    await rooms.createRoom({ name: ROOM, egress: new RoomEgress({ tracks }) });
    await ada.connect(server.url, await joinToken(server, ROOM, 'ada'));
    await ada.publishVideo({ codec: VideoCodec.VP8, width: 320, height: 180, simulcast: false });
    await ada.publishTone();
  });

  after(async () => {
    await ada.leave();
    await server?.close();
    await dispose();
    await rm(root, { recursive: true, force: true });
  });

  const reached = async (id: string, status: EgressStatus): Promise<EgressInfo> => {
    let last: EgressInfo | undefined;
    await until(
      `Egress ${id} to be ${EgressStatus[status]}`,
      async () => {
        [last] = await egress.listEgress({ egressId: id });
        return last !== undefined && last.status >= status;
      },
      { timeoutMs: 30_000, explain: () => JSON.stringify(last?.toJson()) + server.takeLog() },
    );
    assert.ok(last);
    return last;
  };
  /** Lets it run for 3 s. */
  const recorded = async (started: EgressInfo): Promise<EgressInfo> => {
    await reached(started.egressId, EgressStatus.EGRESS_ACTIVE);
    await sleep(3000);
    await egress.stopEgress(started.egressId);
    const ended = await reached(started.egressId, EgressStatus.EGRESS_COMPLETE);
    assert.equal(ended.status, EgressStatus.EGRESS_COMPLETE, ended.error);
    return ended;
  };
  const trackOf = async (type: TrackType): Promise<string> => {
    const { httpUrl, apiKey, apiSecret } = server;
    const rooms = new RoomServiceClient(httpUrl, apiKey, apiSecret);
    let sid = '';
    // It is there once its media is, which may be after the publisher was told of it.
    await until(`a track of type ${TrackType[type]}`, async () => {
      const { tracks } = await rooms.getParticipant(ROOM, 'ada');
      sid = tracks.find((track) => track.type === type)?.sid ?? '';
      return sid !== '';
    });
    return sid;
  };

  it('copies one track as it is, and encodes a participant, at the same time', async () => {
    const [video, audio] = [await trackOf(TrackType.VIDEO), await trackOf(TrackType.AUDIO)];
    const direct = (filepath: string) => new DirectFileOutput({ filepath });
    const started = [
      await egress.startTrackEgress(ROOM, direct('one/{publisher_identity}-{track_type}'), video),
      await egress.startTrackEgress(ROOM, direct('one/{publisher_identity}-{track_type}'), audio),
      await egress.startParticipantEgress(
        ROOM,
        'ada',
        { file: new EncodedFileOutput({ filepath: 'p/{publisher_identity}.mp4' }) },
        { encodingOptions: SMALL },
      ),
      await egress.startTrackCompositeEgress(
        ROOM,
        { file: new EncodedFileOutput({ filepath: 'c/{room_name}' }) },
        { audioTrackId: audio, videoTrackId: video, encodingOptions: SMALL },
      ),
    ];
    await Promise.all(started.map(recorded));
    const codecs = async (path: string) => (await probe(join(root, path))).codecs;
    assert.deepEqual(await codecs('one/ada-video.webm'), { video: 'vp8' });
    assert.deepEqual(await codecs('one/ada-audio.ogg'), { audio: 'opus' });
    assert.deepEqual(await codecs('p/ada.mp4'), { video: 'h264', audio: 'aac' });
    assert.deepEqual(await codecs('c/studio.mp4'), { video: 'h264', audio: 'aac' });
    assert.ok((await probe(join(root, 'p/ada.mp4'))).duration > 2);
  });

  it('sends the sound of a track on by WebSocket, and tells of its mute', async (t) => {
    const receiver = await receiveSound();
    t.after(() => receiver.close());
    const audio = await trackOf(TrackType.AUDIO);
    const hook = await listenForWebhooks();
    t.after(() => hook.close());
    hook.trust(server);
    const { apiKey: signingKey } = server;
    const started = await egress.startTrackEgress(ROOM, receiver.url, audio, [
      new WebhookConfig({ url: hook.url, signingKey }),
    ]);
    await reached(started.egressId, EgressStatus.EGRESS_ACTIVE);
    const heard = (frames: number) =>
      until(`${frames} frames`, () => (receiver.connections[0]?.sound.length ?? 0) >= frames);
    await heard(100);
    const rooms = new RoomServiceClient(server.httpUrl, server.apiKey, server.apiSecret);
    await rooms.mutePublishedTrack(ROOM, 'ada', audio, true);
    const texts = () => receiver.connections[0]?.texts ?? [];
    await until('the mute', () => texts().length === 1);
    await rooms.mutePublishedTrack(ROOM, 'ada', audio, false);
    await until('the end of it', () => texts().length === 2);
    await egress.stopEgress(started.egressId);
    const ended = await reached(started.egressId, EgressStatus.EGRESS_COMPLETE);
    assert.equal(ended.status, EgressStatus.EGRESS_COMPLETE, ended.error);
    assert.equal(ended.result.case, 'stream');
    await hook.event('egress_ended', ({ egressInfo }) => egressInfo?.egressId === ended.egressId);
    assert.equal(hook.events[0]?.event, 'egress_started');
    assert.deepEqual(hook.failures, []);
    const unknown = [new WebhookConfig({ url: hook.url, signingKey: 'nobody' })];
    await assert.rejects(egress.startTrackEgress(ROOM, receiver.url, audio, unknown), {
      code: 'invalid_argument',
      message: /signing_key nobody is none of the API keys/,
    });
    const [connection] = receiver.connections;
    assert.equal(connection?.closedWith, 1000);
    assert.deepEqual(
      texts().map(({ text }) => text),
      ['{"muted":true}', '{"muted":false}'],
    );
    for (const channel of [0, 1] as const) {
      const samples = channelOf(connection?.sound.slice(50, 100) ?? [], channel);
      const tone = toneOf(samples, 440);
      assert.ok(tone > 0.25 && tone < 0.45, `440 Hz, as 12000 of 32768 was sent: ${tone}`);
      assert.ok(toneOf(samples, 523) < tone / 20);
    }
    const video = await egress.startTrackEgress(ROOM, receiver.url, await trackOf(TrackType.VIDEO));
    const refused = await reached(video.egressId, EgressStatus.EGRESS_COMPLETE);
    assert.equal(refused.status, EgressStatus.EGRESS_FAILED);
    assert.match(refused.error, /websocket output takes sound only/);
  });

  it('answers in LiveKit’s words what cannot be done', async () => {
    const file = new EncodedFileOutput({ filepath: 'x' });
    await assert.rejects(egress.startParticipantEgress('nowhere', 'ada', { file }), {
      message: /requested room does not exist/,
      code: 'not_found',
    });
    await assert.rejects(egress.stopEgress('EG_unknown'), { message: /egress does not exist/ });
    await assert.rejects(egress.startWebEgress('http://127.0.0.1/', { file }), {
      status: 503,
      message: /no node takes this egress/,
    });
    const outside = new EncodedFileOutput({ filepath: '../../etc/x' });
    const started = await egress.startParticipantEgress(ROOM, 'ada', { file: outside });
    const failed = await reached(started.egressId, EgressStatus.EGRESS_COMPLETE);
    assert.equal(failed.status, EgressStatus.EGRESS_FAILED);
    assert.match(failed.error, /missing or invalid field: filepath/);
  });

  it('records each track of a Room that was made so, until it is gone', async () => {
    await ada.leave();
    await until(
      'no Egress to run',
      async () => (await egress.listEgress({ roomName: ROOM, active: true })).length === 0,
      { timeoutMs: 30_000, explain: () => server.takeLog() },
    );
    const files = (await filesBelow(root)).filter((name) => name.startsWith('auto/'));
    assert.deepEqual(files, ['auto/audio-microphone.ogg', 'auto/video-camera.webm']);
  });
});
