import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EgressInfo, EgressStatus, RoomCompositeEgressRequest } from '@livekit/protocol';
import { configSchema } from '../../../node-image/contract';
import { newEgressJob } from '../../../node-image/jobs/egress/egress-info';
import { EgressRules } from '../../../node-image/jobs/egress/egress-rules';
import { SpecSealer } from '../../../node-image/jobs/egress/sealed-spec';
import { EgressRecords } from '../../../node-image/jobs/livekit/egress-records';
import { OfficialCare } from '../../../node-image/jobs/livekit/official-care';
import { OfficialEgresses } from '../../../node-image/jobs/livekit/official-egress';
import { EGRESS_SERVICE } from '../../../node-image/jobs/livekit/official-owner';
import { NobodyAnsweredError } from '../../../node-image/jobs/livekit/psrpc/psrpc-error';
import { RpcStartEgress } from '../../../node-image/jobs/livekit/rpc-messages';
import { MemoryJobStore } from '../../../node-image/jobs/store/memory-job-store';
import { quiet } from '../core/job-cluster';

/** A waiting Egress as the node of a Room makes it, and what looks after it. */
async function waiting(answer: (asked: RpcStartEgress) => EgressInfo) {
  const store = new MemoryJobStore();
  const told: string[] = [];
  const observer = {
    egressStarted: ({ egressId }: EgressInfo) => void told.push(`started ${egressId}`),
    egressUpdated: () => {},
    egressEnded: () => {},
  };
  const records = new EgressRecords({ store, observer, log: quiet });
  const sealer = new SpecSealer(new Uint8Array(32).fill(7));
  const request = new RoomCompositeEgressRequest({
    roomName: 'stage',
    output: {
      case: 'stream',
      value: { protocol: 1, urls: ['rtmp://live.example.com/app/a-key-that-is-secret'] },
    },
  });
  const job = newEgressJob({
    ...{ id: 'EG_room', roomSid: 'RM_1', sealer, storage: undefined, keepsRequest: true },
    request: { case: 'roomComposite', value: request },
  });
  await store.create(job);
  const asked: RpcStartEgress[] = [];
  const call = async (given: { readonly request: unknown }) => {
    // As it goes over the wire.
    asked.push(RpcStartEgress.fromBinary((given.request as RpcStartEgress).toBinary()));
    return answer(given.request as RpcStartEgress);
  };
  const services = { call, ask: async () => [] } as unknown as ConstructorParameters<
    typeof OfficialEgresses
  >[0]['services'];
  const egresses = new OfficialEgresses({
    services,
    handlers: services,
    records,
    wsUrl: '',
    random: () => 0,
  });
  const rules = new EgressRules({ costs: configSchema.parse({}).egress.cpu_cost, observer });
  const care = new OfficialCare({ rules, egresses, sealer });
  const stands = await store.get('EG_room');
  assert.ok(stands);
  return { store, care, stands, asked, told, text: job.spec };
}

describe('an Egress that waits, as its Room has itself recorded', () => {
  it('is given to a service with its request, which nobody else can read, and is its from then on', async () => {
    const { store, care, stands, asked, told, text } = await waiting(
      ({ egressId, roomName }) =>
        new EgressInfo({ egressId, roomName, status: EgressStatus.EGRESS_STARTING }),
    );
    assert.doesNotMatch(text, /a-key-that-is-secret/);
    assert.doesNotMatch(stands.info, /a-key-that-is-secret/);
    assert.equal(await care.restart(stands), 'placed');
    const [one] = asked;
    assert.deepEqual([one?.egressId, one?.roomId, one?.roomName], ['EG_room', 'RM_1', 'stage']);
    assert.ok(one?.request.case === 'roomComposite' && one.request.value.output.case === 'stream');
    assert.match(one.request.value.output.value.urls[0] ?? '', /a-key-that-is-secret$/);
    const job = await store.get('EG_room');
    assert.deepEqual([job?.state, job?.owner], ['active', EGRESS_SERVICE]);
    assert.deepEqual(told, ['started EG_room']);
    await store.close();
  });

  it('goes on waiting where no service takes it', async () => {
    const { store, care, stands, asked } = await waiting(() => {
      throw new NobodyAnsweredError('EgressInternal.StartEgress');
    });
    const left = await care.restart(stands);
    assert.ok(typeof left === 'object');
    assert.match(left.notPlaced, /no livekit\/egress service takes it/);
    assert.equal(asked.length, 3);
    assert.equal((await store.get('EG_room'))?.state, 'waiting');
    await store.close();
  });
});
