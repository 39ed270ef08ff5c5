import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { StreamInfo_Status } from '@livekit/protocol';
import { dispose, VideoCodec } from '@livekit/rtc-node';
import {
  EgressClient,
  type EgressInfo,
  EgressStatus,
  EncodedFileOutput,
  EncodingOptions,
  S3Upload,
  StreamOutput,
} from 'livekit-server-sdk';
import { freeTcpPort } from '../../support/ports';
import { NodeClient } from '../../support/rtc-node';
import { startServer, type TestServer } from '../../support/server';
import { joinToken } from '../../support/tokens';
import { until } from '../../support/wait';
import { listenForWebhooks, type WebhookListener } from '../../support/webhooks';
import { listenOnLoopback } from '../ingress/media-origin';
import { processesIn } from './support/processes';

const { EGRESS_COMPLETE, EGRESS_FAILED } = EgressStatus;
const DENIED =
  '<Error><Code>InvalidAccessKeyId</Code><Message>The key does not exist.</Message></Error>';

describe('What cannot be recorded, by the API and the webhook', () => {
  let bucket: Server;
  let endpoint: string;
  let webhooks: WebhookListener;
  let server: TestServer;
  let egress: EgressClient;
  const ada = new NodeClient();

  before(async () => {
    bucket = createServer((_request, response) => {
      response.writeHead(403, { 'content-type': 'application/xml' }).end(DENIED);
    });
    endpoint = await listenOnLoopback(bucket);
    webhooks = await listenForWebhooks();
    server = await startServer({
      alwaysOwn: true,
      config: {
        sluice: { load_scope: 'processes', workers: 1 },
        webhook: { urls: [webhooks.url], api_key: 'devkey' },
        egress: { cpu_cost: { web_cpu_cost: 0, participant_cpu_cost: 0 } },
      },
    });
    webhooks.trust(server);
    egress = new EgressClient(server.httpUrl, server.apiKey, server.apiSecret);
    await ada.connect(server.url, await joinToken(server, 'studio', 'ada'));
    await ada.publishVideo({ codec: VideoCodec.VP8, width: 320, height: 180, simulcast: false });
  });
  after(async () => {
    await ada.leave();
    await server?.close();
    await dispose();
    await webhooks?.close();
    bucket?.close();
  });

  /** As the API says it, and the webhook too; by then nothing of it runs, and no node has it. */
  const failed = async ({ egressId }: EgressInfo): Promise<EgressInfo> => {
    let last: EgressInfo | undefined;
    await until(
      `the end of ${egressId}`,
      async () => {
        [last] = await egress.listEgress({ egressId });
        return last !== undefined && last.status >= EGRESS_COMPLETE;
      },
      { timeoutMs: 90_000, explain: () => `${last?.toJsonString()}${server.takeLog()}` },
    );
    assert.ok(last);
    const { egressInfo: told } = await webhooks.event(
      'egress_ended',
      (event) => event.egressInfo?.egressId === egressId,
    );
    assert.deepEqual(
      [told?.status, told?.error, told?.errorCode],
      [last.status, last.error, last.errorCode],
    );
    assert.equal(last.status, EGRESS_FAILED);
    assert.ok(last.endedAt > 0n);
    assert.deepEqual(await egress.listEgress({ active: true }), []);
    assert.deepEqual(await processesIn(egressId), []);
    return last;
  };

  it('says that a key of storage is wrong, and not which', async () => {
    const s3 = new S3Upload({
      ...{ accessKey: 'AKIAKEY', secret: 's3cr3t-key', bucket: 'b', region: 'eu-west-1' },
      ...{ endpoint, forcePathStyle: true },
    });
    const file = new EncodedFileOutput({ filepath: 'x', output: { case: 's3', value: s3 } });
    const info = await failed(await egress.startWebEgress('http://127.0.0.1:9/', { file }));
    assert.match(info.error, /\/b\/x\.mp4 failed: InvalidAccessKeyId: The key does not exist/);
    assert.equal(info.startedAt, 0n);
    assert.doesNotMatch(info.toJsonString(), /s3cr3t-key/);
  });

  it('gives up an address of RTMP that nobody listens at', async () => {
    const stream = new StreamOutput({
      urls: [`rtmp://127.0.0.1:${await freeTcpPort()}/live/s3cr3t-key`],
    });
    const encodingOptions = new EncodingOptions({ width: 320, height: 180, framerate: 15 });
    const started = await egress.startParticipantEgress(
      ...(['studio', 'ada', { stream }, { encodingOptions }] as const),
    );
    const info = await failed(started);
    assert.match(info.error, /no stream is left: .*refused/);
    assert.equal(info.errorCode, 500);
    assert.equal(info.streamResults[0]?.status, StreamInfo_Status.FAILED);
    assert.doesNotMatch(info.toJsonString(), /s3cr3t-key/);
  });
});
