/** What the reaper does first where much is to be done; all of it is in fail-over.test.ts. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { pino } from 'pino';
import type { Job } from '../../../node-image/jobs/job';
import { type JobCare, JobReaper } from '../../../node-image/jobs/job-reaper';
import { MemoryJobStore } from '../../../node-image/jobs/store/memory-job-store';
import { until } from '../../support/wait';

let store: MemoryJobStore;
let reaper: JobReaper | undefined;
let tried: string[];
let asked: string[];

beforeEach(() => {
  store = new MemoryJobStore();
  tried = [];
  asked = [];
});
afterEach(async () => {
  await reaper?.close();
  reaper = undefined;
  await store.close();
});

const want = (id: string, kind: Job['kind'], owner?: string, leaseMs?: number) =>
  store.create({ id, kind, room: 'stage', spec: '{}', info: '' }, owner, leaseMs);

const care: JobCare = {
  rules: {
    kind: 'egress',
    cost: () => ({ cpus: 1 }),
    afterLoss: () => 'restart',
    failed: () => 'failed',
  },
  restart: async ({ id }) => {
    tried.push(id);
    return { notPlaced: 'nobody takes it' };
  },
};

function look(): Promise<void> {
  reaper ??= new JobReaper({
    ...{ store, care: [care], leads: () => true, isGone: () => false },
    running: async (nodeId) => {
      asked.push(nodeId);
      return new Set();
    },
    ...{ queueMs: 60_000, restartWithinMs: 60_000, keepEndedMs: 60_000, mostEnded: 10 },
    ...{ log: pino({ level: 'silent' }), intervalMs: 60_000, graceMs: 0 },
  });
  return reaper.look();
}

test('agents that wait for a worker keep no Egress from its node', async () => {
  for (let i = 0; i < 20; i += 1) await want(`AJ_${i}`, 'agent');
  await want('EG_1', 'egress');
  await look();
  assert.deepEqual(tried, ['EG_1']);
  assert.deepEqual(reaper?.orphans, { agent: 20, egress: 1 });
});

test('Egresses that no node takes let those have their turn that one would take', async () => {
  for (let i = 0; i < 20; i += 1) await want(`EG_${i}`, 'egress');
  for (let i = 0; i < 3; i += 1) await look();
  await until('all to be tried', () => new Set(tried).size === 20);
});

test('whoever has agents only is not asked what it runs', async () => {
  await want('AJ_1', 'agent', 'ND_master');
  await want('EG_1', 'egress', 'ND_media');
  await look();
  assert.deepEqual(asked, ['ND_media']);
});
