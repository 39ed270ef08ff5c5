import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { IngressInput, IngressState_Status } from '@livekit/protocol';
import { dispose } from '@livekit/rtc-node';
import { IngressClient, type IngressInfo, TwirpError } from 'livekit-server-sdk';
import {
  addressOf,
  checkPulledUrl,
  isPublicAddress,
} from '../../../node-image/jobs/ingress/url/public-address';
import { GuardedProxy } from '../../../node-image/net/guarded-proxy';
import { freePortRange } from '../../support/ports';
import { NodeClient } from '../../support/rtc-node';
import { startServer, type TestServer } from '../../support/server';
import { joinToken } from '../../support/tokens';
import { until } from '../../support/wait';
import { Encoders } from './encoders';
import { type MediaOrigin, startMediaOrigin } from './media-origin';

describe('a URL pulled into a Room', { timeout: 110_000, concurrency: true }, () => {
  let server: TestServer;
  let origin: MediaOrigin;
  let base = '';

  before(async () => {
    origin = await startMediaOrigin(8);
    base = origin.url;
    server = await startServer({
      alwaysOwn: true,
      config: {
        // What else this machine does is no matter here.
        sluice: { load_scope: 'processes' },
        ingress: {
          allow_private_urls: true,
          cpu_cost: { url_cpu_cost: 0, min_idle_ratio: 0 },
        },
      },
    });
  });
  after(async () => {
    await server.close();
    await origin.close();
    // Without this the native library keeps the process alive.
    await dispose();
  });

  const client = (): IngressClient =>
    new IngressClient(server.httpUrl, server.apiKey, server.apiSecret);
  const pull = (room: string, url: string): Promise<IngressInfo> =>
    client().createIngress(IngressInput.URL_INPUT, {
      roomName: room,
      participantIdentity: 'puller',
      url,
    });
  const stateOf = async ({ ingressId }: IngressInfo) =>
    (await client().listIngress({ ingressId }))[0]?.state;
  const untilStatus = (info: IngressInfo, status: IngressState_Status) =>
    until(
      `${info.ingressId} to be ${IngressState_Status[status]}`,
      async () => (await stateOf(info))?.status === status,
      { timeoutMs: 35_000, explain: () => server.takeLog() },
    );

  for (const [what, file] of [
    ['a file', 'a.mp4'],
    ['HLS', 'b.m3u8'],
  ] as const) {
    it(`shows and plays ${what}, and is complete at its end`, async () => {
      const viewer = new NodeClient();
      await viewer.connect(server.url, await joinToken(server, file, 'viewer'));
      try {
        const info = await pull(file, `${base}/${file}?token=secret`);
        const seen = await viewer.sees('puller', 10, 25_000);
        assert.deepEqual([seen.width, seen.height], [320, 180]);
        await viewer.hears('puller', 20_000);
        await untilStatus(info, IngressState_Status.ENDPOINT_COMPLETE);
        const { error, video, audio } = (await stateOf(info)) ?? {};
        assert.deepEqual(
          [error, video?.mimeType, video?.width, video?.height, audio?.mimeType],
          ['', 'video/H264', 320, 180, 'audio/aac'],
        );
        assert.ok((video?.framerate ?? 0) > 0 && (audio?.sampleRate ?? 0) > 0);
      } finally {
        await viewer.leave();
      }
    });
  }

  it('shows and plays what comes by SRT, until its source ends', async () => {
    const viewer = new NodeClient();
    await viewer.connect(server.url, await joinToken(server, 'srt', 'viewer'));
    const port = await freePortRange(1);
    const key = 'passphrase=tenormorechars';
    const source = new Encoders();
    // It takes one connection at a time, and the first one looks what it is.
    source.send(`srt://127.0.0.1:${port}?mode=listener&${key}`, {
      ...{ format: 'mpegts', size: '320x180', again: true },
    });
    try {
      const info = await pull('srt', `srt://127.0.0.1:${port}?${key}`);
      await viewer.sees('puller', 10, 25_000);
      await viewer.hears('puller', 20_000);
      source.close();
      await untilStatus(info, IngressState_Status.ENDPOINT_COMPLETE);
    } finally {
      source.close();
      await viewer.leave();
    }
  });

  it('says what is wrong with what cannot be read, and with what stalls', async () => {
    const [missing, stalled, loop, nobody] = await Promise.all([
      pull('missing', `${base}/missing.mp4?token=secret`),
      pull('stalled', `${base}/stalled.ts`),
      pull('loop', `${base}/loop?token=secret`),
      pull('nobody', `srt://127.0.0.1:${await freePortRange(1)}?passphrase=secretsecret`),
    ]);
    for (const wrong of [loop, nobody]) {
      await untilStatus(wrong, IngressState_Status.ENDPOINT_ERROR);
      const { error = '', endedAt = 0n } = (await stateOf(wrong)) ?? {};
      assert.match(error, /cannot be read/);
      assert.doesNotMatch(error, /secret/);
      assert.ok(endedAt > 0n);
    }
    await untilStatus(missing, IngressState_Status.ENDPOINT_ERROR);
    const error = (await stateOf(missing))?.error ?? '';
    assert.match(error, /cannot be read/);
    assert.doesNotMatch(error, /secret/);
    await untilStatus(stalled, IngressState_Status.ENDPOINT_ERROR);
    await assert.rejects(client().updateIngress(stalled.ingressId, { name: 'x' }), TwirpError);
    await client().deleteIngress(stalled.ingressId);
    assert.equal((await client().listIngress('stalled')).length, 0);
  });

  it('refuses other schemes, and hosts that are not public', async () => {
    for (const url of ['', 'file:///etc/passwd', 'rtsp://example.com/a', 'no url']) {
      await assert.rejects(pull('refused', url), /invalid ingress/, url);
    }
    for (const url of ['http://127.0.0.1/', 'http://[::1]/', 'http://[::ffff:10.0.0.1]/x']) {
      await assert.rejects(checkPulledUrl(url, false), /no public address/, url);
    }
    await assert.rejects(checkPulledUrl('srt://127.0.0.1:9?mode=listener', true), /caller/);
    for (const address of ['169.254.169.254', '10.1.2.3', '100.64.0.1', 'fd00::1', '0.0.0.0']) {
      assert.equal(isPublicAddress(address), false, address);
    }
    assert.equal(isPublicAddress('93.184.216.34'), true);

    // Wherever a redirection or a playlist leads.
    const proxy = await GuardedProxy.listen({ addressOf: (host) => addressOf(host, false) });
    try {
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const { hostname: host, port } = new URL(proxy.url);
        request({ host, port, path: `${base}/a.mp4` }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        })
          .on('error', reject)
          .end();
      });
      assert.equal(status, 403);
    } finally {
      proxy.close();
    }
  });
});
