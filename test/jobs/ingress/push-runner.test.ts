import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { IngressInfo, IngressInput, IngressState_Status } from '@livekit/protocol';
import { pino } from 'pino';
import { Ledger } from '../../../node-image/cluster/ledger';
import { IngressRunner } from '../../../node-image/jobs/ingress/ingress-runner';
import {
  IngressGoneError,
  IngressRefusedError,
  IngressRuns,
} from '../../../node-image/jobs/ingress/ingress-runs';
import { MemoryIngressStore } from '../../../node-image/jobs/ingress/memory-ingress-store';
import { type PushedStream, PushRunner } from '../../../node-image/jobs/ingress/push-runner';
import type { UrlRunner } from '../../../node-image/jobs/ingress/url/url-runner';
import { JobHost } from '../../../node-image/jobs/job-host';
import { MemoryJobStore } from '../../../node-image/jobs/store/memory-job-store';
import { until } from '../../support/wait';

const log = pino({ level: 'silent' });
const observer = {};
let sent = 0;

describe('those who send, as jobs of their node', () => {
  let ingresses: MemoryIngressStore;
  let jobs: MemoryJobStore;
  let ledger: Ledger;
  let runs: IngressRuns;
  let pushes: PushRunner;
  let host: JobHost;
  /** Why the node takes nothing new. */
  let refuses: string | undefined;

  beforeEach(() => {
    refuses = undefined;
    ingresses = new MemoryIngressStore();
    jobs = new MemoryJobStore();
    ledger = new Ledger({
      capacity: { cpus: 4, memoryBytes: 0, bytesPerSec: 0, diskBytes: 0 },
    });
    runs = new IngressRuns({ store: ingresses, observer, log });
    pushes = new PushRunner(runs);
    const runner = new IngressRunner({
      ...{ store: ingresses, observer, log, idleRatio: 0, pushes },
      costs: { url: 2, rtmp: 3, whip: 0.1, 'transcoded-whip': 2 },
      // None is pulled here.
      urls: {} as UrlRunner,
    });
    host = new JobHost({
      ...{ nodeId: 'ND_a', store: jobs, ledger, runners: [runner], log },
      refuses: () => refuses,
    });
    pushes.runOn(host);
  });
  afterEach(async () => {
    await runs.close();
    await host.close();
    await jobs.close();
  });

  const ingress = async (id: string): Promise<IngressInfo> => {
    const info = new IngressInfo({
      ...{ ingressId: id, streamKey: `key of ${id}`, inputType: IngressInput.RTMP_INPUT },
      ...{ roomName: 'room', participantIdentity: 'sender' },
    });
    await ingresses.create(info);
    return info;
  };
  const push = (info: IngressInfo): Promise<PushedStream> => {
    sent += 1;
    return pushes.begin({
      ...{ info, way: 'rtmp', resourceId: `ND_a.123456789012345${10_000_000 + sent}` },
      open: (run) => ({ stop: () => void run.ended(), pids: () => [7] }),
    });
  };
  const statesOf = async (): Promise<string[]> => (await jobs.list()).map(({ state }) => state);

  it('are counted and listed as long as they send', async () => {
    const stream = await push(await ingress('IN_a'));
    assert.equal(ledger.reservedByJobs().cpus, 3);
    assert.deepEqual(host.pids(), [7]);
    assert.deepEqual(await statesOf(), ['active']);
    // What is beyond the ledger is refused, and says why.
    await assert.rejects(push(await ingress('IN_b')), (error: unknown) => {
      assert.ok(error instanceof IngressRefusedError);
      assert.match(error.message, /CPU: 3 needed, 1 free/);
      return true;
    });
    stream.stop('closed');
    assert.equal(ledger.reservedByJobs().cpus, 0);
    await until('its end to be written', async () => (await statesOf())[0] === 'ended');
    await push(await ingress('IN_c'));
  });

  it('take the place of themselves when they come back', async () => {
    const info = await ingress('IN_a');
    await push(info);
    await push(info);
    assert.equal(ledger.reservedByJobs().cpus, 3);
    assert.equal(host.jobs().length, 1);
  });

  it('are taken while their node is drained, as their Room is there still', async () => {
    refuses = 'it is draining';
    await push(await ingress('IN_a'));
    const [id = ''] = host.jobs();
    // It ends with its Room, not before.
    assert.equal(await host.handOver(id, 1000), false);
    assert.deepEqual(host.jobs(), [id]);
    await host.stop(id, 'the deadline has passed');
    assert.deepEqual(host.jobs(), []);
    const { info } = (await ingresses.get('IN_a')) ?? {};
    assert.equal(info?.state?.status, IngressState_Status.ENDPOINT_INACTIVE);
    await assert.rejects(host.start({ job: { ...job, spec: '{}' } }), /draining/);
  });

  it('are not taken for an Ingress that is gone', async () => {
    const info = await ingress('IN_a');
    await ingresses.remove('IN_a');
    await assert.rejects(push(info), IngressGoneError);
    assert.equal(ledger.reservedByJobs().cpus, 0);
    assert.deepEqual(host.jobs(), []);
  });
});

const job = { id: 'IN_x', kind: 'ingress', room: 'room', info: '{}' } as const;
