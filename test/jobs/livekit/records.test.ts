import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  EgressInfo,
  EgressStatus,
  IngressInfo,
  IngressInput,
  IngressState,
  IngressState_Status,
} from '@livekit/protocol';
import { configSchema } from '../../../node-image/contract';
import { EgressRules } from '../../../node-image/jobs/egress/egress-rules';
import { MemoryIngressStore } from '../../../node-image/jobs/ingress/memory-ingress-store';
import { JobReaper } from '../../../node-image/jobs/job-reaper';
import { EgressRecords } from '../../../node-image/jobs/livekit/egress-records';
import { IngressRecords } from '../../../node-image/jobs/livekit/ingress-records';
import { EGRESS_SERVICE } from '../../../node-image/jobs/livekit/official-owner';
import { OfficialWatch } from '../../../node-image/jobs/livekit/official-watch';
import { PsrpcError } from '../../../node-image/jobs/livekit/psrpc/psrpc-error';
import { MemoryJobStore } from '../../../node-image/jobs/store/memory-job-store';
import { until } from '../../support/wait';
import { quiet } from '../core/job-cluster';

const { EGRESS_STARTING, EGRESS_ACTIVE, EGRESS_COMPLETE, EGRESS_FAILED } = EgressStatus;
const { ENDPOINT_BUFFERING, ENDPOINT_PUBLISHING, ENDPOINT_INACTIVE, ENDPOINT_ERROR } =
  IngressState_Status;

function egresses() {
  const told: string[] = [];
  const tell = (what: string) => (info: EgressInfo) => {
    told.push(`${what} ${info.egressId} ${EgressStatus[info.status]}`);
  };
  const observer = {
    egressStarted: tell('started'),
    egressUpdated: tell('updated'),
    egressEnded: tell('ended'),
  };
  const store = new MemoryJobStore();
  const records = new EgressRecords({ store, observer, log: quiet });
  return { store, records, observer, told };
}

const egress = (status: EgressStatus, egressId = 'EG_1') =>
  new EgressInfo({ egressId, roomName: 'stage', status });

describe("what LiveKit's services say", () => {
  it('is kept of an Egress, told once, and not changed once it has ended', async () => {
    const { store, records, told } = egresses();
    await records.created(egress(EGRESS_STARTING));
    await records.created(egress(EGRESS_STARTING));
    await records.updated(egress(EGRESS_STARTING));
    await records.updated(egress(EGRESS_ACTIVE));
    await records.updated(egress(EGRESS_COMPLETE));
    await records.updated(egress(EGRESS_FAILED));
    assert.deepEqual(told, [
      'started EG_1 EGRESS_STARTING',
      'updated EG_1 EGRESS_ACTIVE',
      'ended EG_1 EGRESS_COMPLETE',
    ]);
    const job = await store.get('EG_1');
    assert.deepEqual([job?.state, job?.owner, job?.room], ['ended', EGRESS_SERVICE, 'stage']);
    await store.close();
  });

  it('is kept of one that was forgotten here, also of one that is over by then', async () => {
    const { store, records, told } = egresses();
    await records.updated(egress(EGRESS_ACTIVE));
    await records.updated(egress(EGRESS_COMPLETE, 'EG_2'));
    assert.deepEqual(told, [
      'started EG_1 EGRESS_ACTIVE',
      'started EG_2 EGRESS_COMPLETE',
      'ended EG_2 EGRESS_COMPLETE',
    ]);
    await store.close();
  });

  it('is refused where it is none, or about what a node runs', async () => {
    const { store, records, told } = egresses();
    const huge = egress(EGRESS_ACTIVE);
    huge.error = 'x'.repeat(2 << 20);
    for (const info of [egress(EGRESS_ACTIVE, ''), egress(EGRESS_ACTIVE, 'jobs|x'), huge]) {
      await assert.rejects(records.updated(info), PsrpcError);
      await assert.rejects(records.created(info), PsrpcError);
    }
    const own = { id: 'EG_1', kind: 'egress', room: '', spec: '{}', info: '{}' } as const;
    await store.create(own, 'ND_1');
    await assert.rejects(records.updated(egress(EGRESS_COMPLETE)), /not of a LiveKit service/);
    assert.equal((await store.get('EG_1'))?.state, 'active');
    assert.deepEqual(told, []);
    await store.close();
  });

  it('is missed: an Egress that no service runs any more ends, the others stay', async () => {
    const { store, records, observer, told } = egresses();
    await records.created(egress(EGRESS_STARTING, 'EG_dead'));
    await records.created(egress(EGRESS_STARTING, 'EG_alive'));
    const watch = new OfficialWatch({
      egress: { services: { running: async () => new Set(['EG_alive']) }, records },
      leads: () => true,
      log: quiet,
      intervalMs: 3_600_000,
    });
    const rules = new EgressRules({ costs: configSchema.parse({}).egress.cpu_cost, observer });
    const reaper = new JobReaper({
      store,
      care: [{ rules, restart: async () => assert.fail('nobody can go on with it') }],
      leads: () => true,
      isGone: () => false,
      running: async () => watch.running,
      ...{ queueMs: 0, restartWithinMs: 0, keepEndedMs: 3_600_000, mostEnded: 100 },
      ...{ intervalMs: 3_600_000, graceMs: 0, log: quiet },
    });
    for (let i = 0; i < 11; i += 1) await watch.look();
    await store.expire(EGRESS_SERVICE);
    await reaper.look();
    assert.equal((await store.get('EG_dead'))?.state, 'active', 'a minute is not over');
    await watch.look();
    await store.expire(EGRESS_SERVICE);
    await until('it to end', async () => {
      await reaper.look();
      return (await store.get('EG_dead'))?.state === 'ended';
    });
    assert.equal((await store.get('EG_alive'))?.state, 'active');
    assert.match((await store.get('EG_dead'))?.info ?? '', /no livekit\/egress service runs it/);
    assert.equal(told.at(-1), 'ended EG_dead EGRESS_FAILED');
    await watch.close();
    await reaper.close();
    await store.close();
  });

  it('is not missed by a node that does not lead, nor while nobody can be asked', async () => {
    const { store, records } = egresses();
    await records.created(egress(EGRESS_STARTING));
    let leads = true;
    const watch = new OfficialWatch({
      egress: {
        services: {
          running: async () => {
            throw new Error('Redis is away');
          },
        },
        records,
      },
      leads: () => leads,
      log: quiet,
      intervalMs: 3_600_000,
    });
    for (let i = 0; i < 30; i += 1) await watch.look();
    assert.deepEqual([...watch.running], ['EG_1']);
    leads = false;
    await watch.look();
    assert.equal(watch.running.size, 0);
    await watch.close();
    await store.close();
  });
});

describe("what LiveKit's services say of Ingresses", () => {
  function ingresses() {
    const told: string[] = [];
    const store = new MemoryIngressStore();
    const observer = {
      ingressStarted: (info: IngressInfo) => void told.push(`started ${info.state?.resourceId}`),
      ingressEnded: (info: IngressInfo) => void told.push(`ended ${info.state?.resourceId}`),
    };
    const records = new IngressRecords({ store, observer, log: quiet });
    const add = (info: Partial<IngressInfo>) =>
      store.create(
        new IngressInfo({
          ...{ ingressId: 'IN_1', streamKey: 'key', inputType: IngressInput.RTMP_INPUT },
          ...{ reusable: true, state: new IngressState(), ...info },
        }),
      );
    return { store, records, told, add };
  }
  const state = (status: IngressState_Status, resourceId: string, startedAt: number) =>
    new IngressState({ status, resourceId, startedAt: BigInt(startedAt) });

  it('finds them by id or key, and keeps the state of the newest run', async () => {
    const { records, store, told, add } = ingresses();
    await add({});
    assert.equal((await records.find('', 'key')).ingressId, 'IN_1');
    assert.equal((await records.find('IN_1', '')).streamKey, 'key');
    for (const [id, key] of [
      ['', ''],
      ['IN_2', ''],
      ['', 'KEY'],
    ] as const) {
      await assert.rejects(records.find(id, key), PsrpcError);
    }
    await records.said('IN_1', state(ENDPOINT_BUFFERING, 'RT_1', 1));
    await records.said('IN_1', state(ENDPOINT_PUBLISHING, 'RT_1', 1));
    await records.said('IN_1', state(ENDPOINT_PUBLISHING, 'RT_1', 1));
    await records.said('IN_1', state(ENDPOINT_BUFFERING, 'RT_2', 2));
    await records.said('IN_1', state(ENDPOINT_INACTIVE, 'RT_1', 1));
    assert.equal((await store.get('IN_1'))?.info.state?.status, ENDPOINT_BUFFERING);
    await records.said('IN_1', state(ENDPOINT_INACTIVE, 'RT_2', 2));
    assert.deepEqual(told, ['started RT_1', 'ended RT_2']);
    await assert.rejects(records.said('IN_9', state(ENDPOINT_ERROR, 'RT_1', 1)), PsrpcError);
  });

  it('ends runs that no service has any more, and leaves those of nodes alone', async () => {
    const { records, store, told, add } = ingresses();
    await add({ state: state(ENDPOINT_PUBLISHING, 'RT_1', 1) });
    await add({
      ingressId: 'IN_2',
      streamKey: '',
      reusable: false,
      state: state(ENDPOINT_BUFFERING, 'UR_1', 1),
    });
    const ofNode = state(ENDPOINT_PUBLISHING, 'ND_1.aaaaaaaaaaaaaaaaaaaa', 1);
    await add({ ingressId: 'IN_3', streamKey: 'other', state: ofNode });
    const watch = new OfficialWatch({
      ingress: { services: { running: async () => new Set() }, records },
      leads: () => true,
      log: quiet,
      intervalMs: 3_600_000,
    });
    for (let i = 0; i < 11; i += 1) await watch.look();
    assert.deepEqual(told, []);
    await watch.look();
    assert.deepEqual(told.sort(), ['ended RT_1', 'ended UR_1']);
    const statuses = (await store.list()).map(({ info }) => info.state?.status);
    assert.deepEqual(statuses, [ENDPOINT_INACTIVE, ENDPOINT_ERROR, ENDPOINT_PUBLISHING]);
    await watch.close();
  });
});
