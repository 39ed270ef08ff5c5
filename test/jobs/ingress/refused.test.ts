import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { IngressInput, IngressState_Status } from '@livekit/protocol';
import { IngressClient, type IngressInfo, TwirpError } from 'livekit-server-sdk';
import { startServer, type TestServer } from '../../support/server';
import { until } from '../../support/wait';
import { type MediaOrigin, startMediaOrigin } from './media-origin';

/** More than any machine has. */
const TOO_MUCH = 200;
/** As much as one can have, and two cannot: a node that counts its own processes has a core a worker. */
const MORE_THAN_HALF = 0.6;

/** As a sender says it that has a picture. */
const OFFER = [
  ...['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0'],
  ...['m=video 9 UDP/TLS/RTP/SAVPF 96', 'c=IN IP4 0.0.0.0', 'a=mid:0', 'a=sendonly', 'a=rtcp-mux'],
  ...['a=ice-ufrag:abcd', 'a=ice-pwd:0123456789abcdef01234567', 'a=setup:actpass'],
  ...[`a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`, 'a=rtpmap:96 VP8/90000', ''],
].join('\r\n');

describe('Ingresses that a node has no room for', () => {
  let origin: MediaOrigin;
  before(async () => {
    origin = await startMediaOrigin(30);
  });
  after(() => origin.close());

  const start = (costs: Record<string, number>, jobs: Record<string, string>) =>
    startServer({
      alwaysOwn: true,
      config: {
        // What else this machine does is no matter here.
        sluice: { load_scope: 'processes', jobs },
        ingress: { allow_private_urls: true, cpu_cost: { min_idle_ratio: 0, ...costs } },
      },
    });
  const clientOf = ({ httpUrl, apiKey, apiSecret }: TestServer): IngressClient =>
    new IngressClient(httpUrl, apiKey, apiSecret);
  const pull = (server: TestServer, room: string): Promise<IngressInfo> =>
    clientOf(server).createIngress(IngressInput.URL_INPUT, {
      ...{ roomName: room, participantIdentity: 'puller', url: `${origin.url}/a.mp4` },
    });

  it('are refused by 503 with the reason, and nothing is kept of a URL', async () => {
    const server = await start({ url_cpu_cost: TOO_MUCH, whip_cpu_cost: TOO_MUCH }, {});
    try {
      const client = clientOf(server);
      await assert.rejects(pull(server, 'full'), (error) => {
        assert.ok(error instanceof TwirpError);
        assert.deepEqual([error.status, error.code], [503, 'unavailable']);
        assert.match(error.message, /needs 200 CPU cores, and 1 are free/);
        return true;
      });
      assert.deepEqual(await client.listIngress({}), []);

      const whip = await client.createIngress(IngressInput.WHIP_INPUT, {
        ...{ roomName: 'full', participantIdentity: 'page', enableTranscoding: true },
      });
      const answer = await fetch(`${server.httpUrl}/whip/${whip.streamKey}`, {
        method: 'POST',
        headers: { 'content-type': 'application/sdp' },
        body: OFFER,
      });
      assert.equal(answer.status, 503);
      assert.match(await answer.text(), /not enough CPU: 200 needed/);
      assert.ok(Number(answer.headers.get('retry-after')) > 0);
    } finally {
      await server.close();
    }
  });

  it('wait where jobs are queued, and begin once there is room', async () => {
    const server = await start({ url_cpu_cost: MORE_THAN_HALF }, { queue: '1m' });
    try {
      const client = clientOf(server);
      const statusOf = async ({ ingressId }: IngressInfo) =>
        (await client.listIngress({ ingressId }))[0]?.state?.status;
      const untilPublishing = (info: IngressInfo) =>
        until(
          'it to be pulled',
          async () => (await statusOf(info)) === IngressState_Status.ENDPOINT_PUBLISHING,
          { timeoutMs: 30_000, explain: () => server.takeLog() },
        );
      const first = await pull(server, 'first');
      await untilPublishing(first);
      const second = await pull(server, 'second');
      assert.equal(await statusOf(second), IngressState_Status.ENDPOINT_INACTIVE);
      await client.deleteIngress(first.ingressId);
      await untilPublishing(second);
    } finally {
      await server.close();
    }
  });
});
