import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import {
  IngressInput,
  IngressState_Status,
  ParticipantInfo_Kind,
  VideoQuality,
} from '@livekit/protocol';
import { dispose } from '@livekit/rtc-node';
import { IngressClient, type IngressInfo, RoomServiceClient } from 'livekit-server-sdk';
import { TestHaproxy } from '../../support/haproxy';
import { freeTcpPort } from '../../support/ports';
import { NodeClient } from '../../support/rtc-node';
import { startServer, type TestServer } from '../../support/server';
import { joinToken } from '../../support/tokens';
import { until } from '../../support/wait';
import { type EncoderOptions, Encoders } from './encoders';
import { av1AndOpus, hevcAndAac, sendTags } from './extended-encoder';

describe('RTMP into a Room', { timeout: 110_000 }, () => {
  let server: TestServer;
  let rtmpUrl = '';
  let port = 0;
  /** Where HAProxy passes on what it has ended TLS of. */
  let behind = 0;
  const encoders = new Encoders();

  before(async () => {
    port = await freeTcpPort();
    behind = await freeTcpPort();
    rtmpUrl = `rtmp://127.0.0.1:${port}/live`;
    server = await startServer({
      alwaysOwn: true,
      config: {
        // What else this machine does is no matter here.
        sluice: { load_scope: 'processes' },
        ingress: {
          ...{ rtmp_port: port, rtmps_port: 1936, rtmp_proxy_port: behind },
          rtmp_base_url: rtmpUrl,
          cpu_cost: { rtmp_cpu_cost: 0, min_idle_ratio: 0 },
        },
      },
    });
  });
  after(async () => {
    encoders.close();
    await server.close();
    // Without this the native library keeps the process alive.
    await dispose();
  });

  const client = (): IngressClient =>
    new IngressClient(server.httpUrl, server.apiKey, server.apiSecret);
  const rooms = (): RoomServiceClient =>
    new RoomServiceClient(server.httpUrl, server.apiKey, server.apiSecret);
  const create = (room: string): Promise<IngressInfo> =>
    client().createIngress(IngressInput.RTMP_INPUT, {
      roomName: room,
      participantIdentity: 'encoder',
    });
  const stateOf = async ({ ingressId }: IngressInfo) =>
    (await client().listIngress({ ingressId }))[0]?.state;
  const untilStatus = (info: IngressInfo, status: IngressState_Status) =>
    until(
      `${info.ingressId} to be ${IngressState_Status[status]}`,
      async () => (await stateOf(info))?.status === status,
      { timeoutMs: 15_000, explain: () => server.takeLog() },
    );
  const encode = (key: string, options: EncoderOptions = {}): ChildProcess =>
    encoders.send(`${rtmpUrl}/${key}`, options);
  const watch = async (room: string): Promise<NodeClient> => {
    const viewer = new NodeClient();
    await viewer.connect(server.url, await joinToken(server, room, 'viewer'));
    return viewer;
  };

  it('shows and plays what ffmpeg sends, as it is, and again when it comes back', async () => {
    const info = await create('copied');
    assert.equal(info.url, rtmpUrl);
    const viewer = await watch('copied');
    try {
      const first = encode(info.streamKey);
      await untilStatus(info, IngressState_Status.ENDPOINT_PUBLISHING);
      const seen = await viewer.sees('encoder', 10, 20_000);
      assert.deepEqual([seen.width, seen.height], [640, 360]);
      await viewer.hears('encoder', 20_000);
      const state = await stateOf(info);
      assert.equal(state?.error, '');
      const { video, audio } = state ?? {};
      assert.deepEqual(
        [video?.mimeType, video?.width, video?.height, video?.framerate],
        ['video/H264', 640, 360, 25],
      );
      assert.deepEqual(
        [audio?.mimeType, audio?.sampleRate, audio?.channels],
        ['audio/aac', 44_100, 1],
      );
      const participant = await rooms().getParticipant('copied', 'encoder');
      assert.equal(participant.kind, ParticipantInfo_Kind.INGRESS);
      assert.equal(participant.tracks.length, 2);

      first.kill('SIGKILL');
      await untilStatus(info, IngressState_Status.ENDPOINT_INACTIVE);
      encode(info.streamKey);
      await untilStatus(info, IngressState_Status.ENDPOINT_PUBLISHING);
      await viewer.sees('encoder', 10, 20_000);
      // With its Ingress, its sender goes.
      await client().deleteIngress(info.ingressId);
      await until('the encoder to be gone', async () => {
        const left = await rooms().listParticipants('copied');
        return !left.some(({ identity }) => identity === 'encoder');
      });
    } finally {
      await viewer.leave();
    }
  });

  it('encodes pictures with B-frames anew, and says why', async () => {
    const info = await create('encoded');
    const viewer = await watch('encoded');
    try {
      const sender = encode(info.streamKey, {
        video: ['-preset', 'veryfast', '-bf', '3', '-b_strategy', '0'],
      });
      await untilStatus(info, IngressState_Status.ENDPOINT_PUBLISHING);
      // What comes is as large as the second of three layers: a third would show no more.
      const { tracks } = await rooms().getParticipant('encoded', 'encoder');
      const video = tracks.find(({ simulcast }) => simulcast);
      assert.deepEqual(
        video?.layers.map(({ quality, width, height }) => [quality, width, height]),
        [
          [VideoQuality.LOW, 320, 180],
          [VideoQuality.MEDIUM, 640, 360],
        ],
      );
      await until('the larger layer to be seen', async () => {
        return (await viewer.sees('encoder', 5, 20_000)).width === 640;
      });
      await until('the reason', async () => /B-frames/.test((await stateOf(info))?.error ?? ''));
      sender.kill('SIGKILL');
      await untilStatus(info, IngressState_Status.ENDPOINT_INACTIVE);
    } finally {
      await viewer.leave();
    }
  });

  it('encodes HEVC and AV1 of enhanced RTMP anew, and says what came', async () => {
    const [hevc, av1] = await Promise.all([create('hevc'), create('av1')]);
    const viewer = await watch('hevc');
    try {
      const senders = [
        await sendTags(rtmpUrl, hevc.streamKey, hevcAndAac()),
        await sendTags(rtmpUrl, av1.streamKey, av1AndOpus()),
      ];
      for (const info of [hevc, av1]) {
        await untilStatus(info, IngressState_Status.ENDPOINT_PUBLISHING);
      }
      const seen = await viewer.sees('encoder', 10, 20_000);
      assert.deepEqual([seen.width, seen.height], [320, 180]);
      await viewer.hears('encoder', 20_000);
      const other = await watch('av1');
      await other.sees('encoder', 10, 20_000).finally(() => other.leave());
      const states = await Promise.all([hevc, av1].map(stateOf));
      assert.deepEqual(
        states.map((state) => [state?.video?.mimeType, state?.audio?.mimeType, state?.error]),
        [
          ['video/x-h265', 'audio/aac', 'the picture is HEVC, not H264'],
          ['video/x-av1', 'audio/opus', 'the picture is AV1, not H264'],
        ],
      );
      assert.deepEqual([states[0]?.audio?.sampleRate, states[0]?.audio?.channels], [44_100, 2]);
      for (const sender of senders) sender.destroy();
      await untilStatus(hevc, IngressState_Status.ENDPOINT_INACTIVE);
    } finally {
      await viewer.leave();
    }
  });

  it('takes RTMPS of which HAProxy ends the TLS', async () => {
    const secure = await freeTcpPort();
    const haproxy = await TestHaproxy.make();
    const info = await create('secure');
    try {
      const node = `127.0.0.1:${behind}`;
      const { host } = new URL(server.httpUrl);
      const rtmps = { port: secure, node };
      await haproxy.start({ masters: [host], rtmps }, await freeTcpPort());
      const sender = encoders.send(`rtmps://127.0.0.1:${secure}/live/${info.streamKey}`);
      await untilStatus(info, IngressState_Status.ENDPOINT_PUBLISHING);
      sender.kill('SIGKILL');
      await untilStatus(info, IngressState_Status.ENDPOINT_INACTIVE);
      const plain = encoders.send(`rtmp://127.0.0.1:${behind}/live/${info.streamKey}`);
      const [code] = await once(plain, 'exit');
      assert.notEqual(code, 0);
    } finally {
      await haproxy.close();
    }
  });

  it('takes nothing from who has no key, or speaks no RTMP', async () => {
    const info = await create('refused');
    const wrong = encode('not-the-key');
    const [code] = await once(wrong, 'exit');
    assert.notEqual(code, 0);
    await client().updateIngress(info.ingressId, { name: 'off', enabled: false });
    const [disabled] = await once(encode(info.streamKey), 'exit');
    assert.notEqual(disabled, 0);
    assert.deepEqual(await rooms().listRooms(['refused']), []);
    const state = await stateOf(info);
    assert.equal(state?.status, IngressState_Status.ENDPOINT_INACTIVE);

    for (const garbage of ['GET / HTTP/1.1\r\n\r\n', '\u0003', `\u0003${'x'.repeat(8000)}`]) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {}).resume();
      socket.write(garbage);
      if (garbage.length > 1) await once(socket, 'close');
      socket.destroy();
    }
    assert.equal((await fetch(server.httpUrl)).status, 200);
  });
});
