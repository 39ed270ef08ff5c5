import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  CreateIngressRequest,
  DeleteIngressRequest,
  IngressInput,
  IngressState_Status,
  IngressVideoEncodingOptions,
  IngressVideoOptions,
  ListIngressRequest,
  TrackSource,
  UpdateIngressRequest,
  VideoLayer,
} from '@livekit/protocol';
import { pino } from 'pino';
import { IngressControl } from '../../../node-image/jobs/ingress/ingress-control';
import { IngressRules, pushJob } from '../../../node-image/jobs/ingress/ingress-jobs';
import { type IngressObserver, IngressRun } from '../../../node-image/jobs/ingress/ingress-run';
import type { IngressStore } from '../../../node-image/jobs/ingress/ingress-store';
import { MemoryIngressStore } from '../../../node-image/jobs/ingress/memory-ingress-store';
import { RedisIngressStore } from '../../../node-image/jobs/ingress/redis-ingress-store';
import type { Job } from '../../../node-image/jobs/job';
import { RoomError } from '../../../node-image/room/errors';
import { connectRegistry } from '../../cluster/support/registry-redis';
import { startRedis } from '../../support/redis';
import { until } from '../../support/wait';

const log = pino({ level: 'silent' });

interface Opened {
  /** Two that share what they keep. */
  readonly stores: readonly [IngressStore, IngressStore];
  close(): Promise<void>;
}

async function openMemory(): Promise<Opened> {
  const store = new MemoryIngressStore();
  return { stores: [store, store], close: () => store.close() };
}

async function openRedis(): Promise<Opened> {
  const redis = await startRedis();
  const [one, other] = await Promise.all([
    connectRegistry(redis.config),
    connectRegistry(redis.config),
  ]);
  return {
    stores: [
      new RedisIngressStore(one.registry.shared),
      new RedisIngressStore(other.registry.shared),
    ],
    close: async () => {
      await Promise.all([one.registry.close(), other.registry.close()]);
      await redis.close();
    },
  };
}

for (const [kind, open] of [
  ['memory', openMemory],
  ['Redis', openRedis],
] as const) {
  describe(`Ingresses in ${kind}`, () => {
    let opened: Opened;
    const removed: string[] = [];
    const controlOf = (store: IngressStore): IngressControl =>
      new IngressControl({
        store,
        rooms: {
          removeParticipant: async ({ room, identity }) => {
            removed.push(`${room}/${identity}`);
          },
        },
        rtmpBaseUrl: 'rtmp://meet.example.com/live',
        whipBaseUrl: '',
        log,
      });
    const rtmp = (fields: ConstructorParameters<typeof CreateIngressRequest>[0] = {}) =>
      new CreateIngressRequest({
        inputType: IngressInput.RTMP_INPUT,
        roomName: 'room',
        participantIdentity: 'sender',
        ...fields,
      });
    before(async () => {
      opened = await open();
    });
    after(() => opened.close());

    it('are made, changed, listed and deleted, and found by their key alone', async () => {
      const [here, there] = opened.stores;
      const control = controlOf(here);
      const made = await control.create(rtmp({ name: 'one' }));
      assert.match(made.ingressId, /^IN_/);
      assert.match(made.streamKey, /^\w{24}$/);
      assert.equal(made.url, 'rtmp://meet.example.com/live');
      assert.equal(made.reusable, true);
      assert.equal(made.enableTranscoding, true);
      const other = await control.create(rtmp({ roomName: 'other' }));
      assert.notEqual(other.streamKey, made.streamKey);

      assert.equal((await there.byStreamKey(made.streamKey))?.info.ingressId, made.ingressId);
      for (const wrong of ['', made.streamKey.slice(1), `${made.streamKey}x`, made.ingressId]) {
        assert.equal(await there.byStreamKey(wrong), undefined);
      }
      const update = new UpdateIngressRequest({ ingressId: made.ingressId, name: 'two' });
      assert.equal((await control.update(update)).name, 'two');
      const list = async (fields: object): Promise<string[]> => {
        const items = await controlOf(there).list(new ListIngressRequest(fields));
        return items.map(({ ingressId }) => ingressId);
      };
      assert.deepEqual(await list({}), [made.ingressId, other.ingressId]);
      assert.deepEqual(await list({ roomName: 'other' }), [other.ingressId]);
      assert.deepEqual(await list({ ingressId: made.ingressId }), [made.ingressId]);
      const id = made.ingressId;
      await control.delete(new DeleteIngressRequest({ ingressId: id }));
      assert.equal(await there.byStreamKey(made.streamKey), undefined);
      const notFound = { code: 'not_found', message: 'ingress does not exist' };
      await assert.rejects(control.delete(new DeleteIngressRequest({ ingressId: id })), notFound);
      await assert.rejects(list({ ingressId: id }), notFound);
      await assert.rejects(control.update(update), notFound);
    });

    it('say what runs; the newest run counts, and one that is lost ends', async () => {
      const [here, there] = opened.stores;
      const control = controlOf(here);
      const info = await control.create(rtmp());
      const told: string[] = [];
      const observer: IngressObserver = {
        ingressStarted: ({ state }) => told.push(`started ${state?.resourceId}`),
        ingressEnded: ({ state }) => told.push(`ended ${state?.resourceId} ${state?.error}`),
      };
      const runOf = (resourceId: string): IngressRun =>
        new IngressRun({ ...{ store: there, info, resourceId, log }, observer });
      const rules = new IngressRules({
        ...{ store: there, observer, log, idleRatio: 0 },
        costs: { url: 2, rtmp: 2, whip: 0.1, 'transcoded-whip': 2 },
      });
      /** What those say who find the node of a sender dead. */
      const lost = (resourceId: string, owner: string): void => {
        const job = pushJob(info, 'rtmp', resourceId);
        const asJob: Job = {
          ...{ ...job, owner, state: 'active', epoch: 1, retries: 0, losses: 0 },
          ...{ createdAtMs: 1, endedAtMs: 0, leaseLeftMs: -1 },
        };
        assert.equal(rules.afterLoss(asJob), 'end');
        const ended = rules.failed(asJob, { reason: 'owner-lost', message: 'it is gone' });
        rules.onFailed({ ...asJob, info: ended, state: 'ended' });
      };
      const stateOf = async () =>
        (await control.list(new ListIngressRequest({ ingressId: info.ingressId })))[0]?.state;
      const first = runOf('ND_a.1234567890123456');
      const second = runOf('ND_b.1234567890123456');
      assert.equal(await first.buffering(), true);
      assert.equal((await stateOf())?.status, IngressState_Status.ENDPOINT_BUFFERING);
      first.publishing('RM_1', []);
      assert.equal(await second.buffering(), true);
      await first.ended({ error: 'cut' });
      second.publishing('RM_1', []);
      second.publishing('RM_1', []);
      second.note('why');
      // One write after the other: this one comes last.
      await second.buffering();
      assert.equal((await stateOf())?.resourceId, 'ND_b.1234567890123456');
      assert.equal((await stateOf())?.error, 'why');
      const startedAt = (await stateOf())?.startedAt;
      // Of an older one nothing is said.
      lost('ND_a.1234567890123456', 'ND_a');
      lost('ND_b.1234567890123456', 'ND_b');
      await until('the loss to be written down', async () => {
        return (await stateOf())?.status === IngressState_Status.ENDPOINT_INACTIVE;
      });
      const state = await stateOf();
      assert.match(state?.error ?? '', /ND_b was lost/);
      assert.equal(state?.startedAt, startedAt);
      assert.ok((state?.endedAt ?? 0n) > 0n);
      const third = runOf('ND_c.1234567890123456');
      await third.buffering();
      await control.delete(new DeleteIngressRequest({ ingressId: info.ingressId }));
      assert.deepEqual(removed.splice(0), ['room/sender']);
      assert.equal(await third.buffering(), false);
      await third.ended();
      await third.ended();
      assert.deepEqual(told, [
        'started ND_a.1234567890123456',
        'ended ND_a.1234567890123456 cut',
        'started ND_b.1234567890123456',
        'ended ND_b.1234567890123456 its node ND_b was lost',
        'ended ND_c.1234567890123456 ',
      ]);
    });

    it('are refused where LiveKit refuses them', async () => {
      const control = controlOf(opened.stores[0]);
      const layer = (width: number, height: number) => new VideoLayer({ width, height });
      const video = (layers: VideoLayer[]) =>
        new IngressVideoOptions({
          encodingOptions: { case: 'options', value: new IngressVideoEncodingOptions({ layers }) },
        });
      const url = (text: string) =>
        rtmp({ inputType: IngressInput.URL_INPUT, url: text, enableTranscoding: true });
      const refused: [CreateIngressRequest, RegExp][] = [
        [rtmp({ participantIdentity: '' }), /no participant identity/],
        [rtmp({ enableTranscoding: false }), /bypassing transcoding impossible/],
        [rtmp({ inputType: 7 as IngressInput }), /invalid ingress type/],
        [
          rtmp({ video: new IngressVideoOptions({ source: TrackSource.MICROPHONE }) }),
          /invalid track source/,
        ],
        [rtmp({ video: video([layer(641, 360)]) }), /layer width must be even/],
        [rtmp({ video: video([layer(0, 360)]) }), /invalid output media dimensions/],
        [rtmp({ video: video([layer(640, 360), layer(320, 180)]) }), /same quality/],
        [rtmp({ inputType: IngressInput.WHIP_INPUT, video: video([]) }), /must be empty/],
        [url(''), /missing URL/],
        [url('ftp://example.com/a'), /invalid url scheme ftp/],
        [rtmp({ participantMetadata: 'x'.repeat(600_000) }), /at most/],
      ];
      for (const [request, text] of refused) {
        await assert.rejects(control.create(request), (error) => {
          assert.ok(error instanceof RoomError);
          assert.equal(error.code, 'invalid_argument');
          assert.match(error.message, text);
          return true;
        });
      }
    });
  });
}
