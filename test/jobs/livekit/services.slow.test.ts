import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { IngressState_Status } from '@livekit/protocol';
import {
  EgressClient,
  EgressStatus,
  EncodedFileOutput,
  IngressClient,
  IngressInput,
  RoomServiceClient,
  StreamOutput,
  StreamProtocol,
  type TwirpError,
} from 'livekit-server-sdk';
import { TestCluster } from '../../support/cluster';
import { startRedis, type TestRedis } from '../../support/redis';
import { until } from '../../support/wait';
import { listenForWebhooks, type WebhookListener } from '../../support/webhooks';
import { LiveKitServices } from './services';

const FILE = new EncodedFileOutput({ filepath: 'a.mp4' });
const refused = (): never => assert.fail('it was not refused');

describe("LiveKit's own services, by its own libraries", { timeout: 120_000 }, () => {
  let redis: TestRedis;
  let webhooks: WebhookListener;
  let cluster: TestCluster;
  let services: LiveKitServices;
  let egress: EgressClient;
  let ingress: IngressClient;

  before(async () => {
    redis = await startRedis();
    webhooks = await listenForWebhooks();
    cluster = await TestCluster.start({
      masters: 1,
      mediaNodes: 1,
      redis,
      config: {
        webhook: { api_key: 'devkey', urls: [webhooks.url] },
        egress: { service: 'livekit', ws_url: 'wss://meet.example.com' },
        ingress: { service: 'livekit', rtmp_base_url: 'rtmp://meet.example.com/live' },
      },
    });
    webhooks.trust(cluster);
    const signed = [cluster.httpUrl, cluster.apiKey, cluster.apiSecret] as const;
    egress = new EgressClient(...signed);
    ingress = new IngressClient(...signed);
    services = await LiveKitServices.start('one', redis.port);
  });
  after(async () => {
    await services?.kill();
    await cluster?.close();
    await webhooks?.close();
    await redis?.close();
  });

  const untilEgress = (egressId: string, status: EgressStatus) =>
    until(
      `${egressId} to be ${EgressStatus[status]}`,
      async () => {
        const [info] = await egress.listEgress({ egressId });
        return info?.status === status ? info : undefined;
      },
      { explain: () => services.log },
    );
  const untilIngress = (ingressId: string, status: IngressState_Status) =>
    until(
      `${ingressId} to be ${IngressState_Status[status]}`,
      async () => {
        const [info] = await ingress.listIngress({ ingressId });
        return info?.state?.status === status ? info : undefined;
      },
      { explain: () => services.log },
    );
  const refusal = (asked: Promise<unknown>): Promise<TwirpError> =>
    asked.then(refused, (error: unknown) => error as TwirpError);

  it('has a Room recorded, changed and stopped, lists it, and sends its webhooks', async () => {
    const rooms = new RoomServiceClient(cluster.httpUrl, cluster.apiKey, cluster.apiSecret);
    const room = await rooms.createRoom({ name: 'stage' });
    const { egressId } = await egress.startRoomCompositeEgress('stage', FILE);
    const started = await services.next('started', ({ id }) => id === egressId);
    assert.deepEqual(
      { wsUrl: started['wsUrl'], roomId: started['roomId'] },
      { wsUrl: 'wss://meet.example.com', roomId: room.sid },
    );
    const active = await untilEgress(egressId, EgressStatus.EGRESS_ACTIVE);
    assert.equal(active?.roomName, 'stage');
    assert.deepEqual(
      (await egress.listEgress({ roomName: 'stage', active: true })).map((one) => one.egressId),
      [egressId],
    );
    const streamed = await egress.updateStream(egressId, ['rtmp://127.0.0.1/live/key']);
    assert.equal(streamed.streamResults[0]?.url, 'rtmp://127.0.0.1/live/key');
    assert.equal((await egress.stopEgress(egressId)).status, EgressStatus.EGRESS_ENDING);
    const complete = await untilEgress(egressId, EgressStatus.EGRESS_COMPLETE);
    assert.equal(complete?.fileResults[0]?.filename, 'a.mp4');
    const ofThis = {
      fits: (one: { egressInfo?: { egressId: string } }) => one.egressInfo?.egressId === egressId,
    };
    for (const name of ['egress_started', 'egress_updated', 'egress_ended']) {
      await webhooks.event(name, ofThis.fits);
    }
    assert.equal((await refusal(egress.stopEgress(egressId))).code, 'failed_precondition');
    assert.deepEqual(await egress.listEgress({ active: true }), []);
  });

  it('gives what is new to the service that records already, and answers what services ask', async () => {
    const other = await LiveKitServices.start('two', redis.port);
    try {
      const urls = ['a', 'b', 'c'].map((name) => `https://example.com/${name}`);
      const by: unknown[] = [];
      for (const url of urls) {
        const { egressId } = await egress.startWebEgress(url, FILE);
        const at = [services, other].map(({ told }) => told.find(({ id }) => id === egressId));
        by.push(at.find((one) => one !== undefined)?.['by']);
      }
      // Whichever the first was given to: the others went there too.
      assert.equal(new Set(by).size, 1, `${by}`);
      services.do({ do: 'ask' });
      const { count, unknown } = await services.next('asked');
      assert.deepEqual({ count, unknown }, { count: 3, unknown: 'not_found' });
      // They are asked what they run, and go on being listed.
      await services.next('listed');
      for (const { egressId } of await egress.listEgress({ active: true })) {
        await egress.stopEgress(egressId);
        await untilEgress(egressId, EgressStatus.EGRESS_COMPLETE);
      }
    } finally {
      await other.kill();
    }
  });

  it('answers 503 where no service takes it, and what a service finds wrong as it says it', async () => {
    const output = new StreamOutput({ protocol: StreamProtocol.RTMP, urls: ['rtmp://a/b'] });
    const nobody = await refusal(egress.startWebEgress('https://example.com/too-large', output));
    assert.equal(nobody.status, 503);
    assert.match(nobody.message, /no livekit\/egress service takes it/);
    const wrong = await refusal(egress.startWebEgress('https://example.com/broken', output));
    assert.equal(wrong.code, 'invalid_argument');
    const ended = await egress.listEgress({ active: true });
    assert.deepEqual(ended, []);
  });

  it('tells a service whose key an encoder has shown, and knows what becomes of it', async () => {
    const info = await ingress.createIngress(IngressInput.RTMP_INPUT, {
      name: 'camera',
      roomName: 'stage',
      participantIdentity: 'sender',
    });
    services.do({ do: 'push', streamKey: 'wrong', resource: 'RT_0' });
    assert.equal((await services.next('refused')).code, 'not_found');
    services.do({ do: 'push', streamKey: info.streamKey, resource: 'RT_1' });
    assert.equal((await services.next('taken'))['room'], 'stage');
    const { ENDPOINT_PUBLISHING } = IngressState_Status;
    const sends = await untilIngress(info.ingressId, ENDPOINT_PUBLISHING);
    assert.equal(sends?.state?.resourceId, 'RT_1');
    const ofThis = (one: { ingressInfo?: { ingressId: string } }): boolean =>
      one.ingressInfo?.ingressId === info.ingressId;
    await webhooks.event('ingress_started', ofThis);
    await ingress.updateIngress(info.ingressId, { name: 'camera 2', roomName: '' });
    assert.equal((await services.next('told'))['name'], 'camera 2');
    await ingress.deleteIngress(info.ingressId);
    await services.next('ended', ({ id }) => id === info.ingressId);
    assert.equal((await refusal(ingress.listIngress({ ingressId: info.ingressId }))).status, 404);
  });

  it('has a service pull a URL, and says 503 once there is none', async () => {
    const pulled = () =>
      ingress.createIngress(IngressInput.URL_INPUT, {
        roomName: 'cinema',
        participantIdentity: 'film',
        url: 'https://93.184.215.14/film.mp4',
      });
    const { ingressId } = await pulled();
    await services.next('pulls', ({ id }) => id === ingressId);
    await untilIngress(ingressId, IngressState_Status.ENDPOINT_PUBLISHING);
    await services.kill();
    assert.equal((await refusal(pulled())).status, 503);
    // Nothing is kept of it.
    assert.equal((await ingress.listIngress({ roomName: 'cinema' })).length, 1);
  });
});
