import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JobStatus, UpdateJobStatus } from '@livekit/protocol';
import { AgentWorker } from '../../../node-image/jobs/agents/agent-worker';
import { HeldJobs } from '../../../node-image/jobs/agents/held-jobs';
import { PatientEnds } from '../../../node-image/jobs/agents/job-ends';
import { WorkerReports } from '../../../node-image/jobs/agents/worker-reports';
import { MemoryJobStore } from '../../../node-image/jobs/store/memory-job-store';
import { log } from '../../media/support/media';
import { FakeRooms } from './support/desk-node';

test('a worker that says very much while the store is slow fills no memory, and others are heard', async () => {
  const store = new MemoryJobStore();
  let answer = (): void => {};
  const slow = new Promise<void>((resolve) => {
    answer = resolve;
  });
  let asked = 0;
  store.get = async () => {
    asked += 1;
    await slow;
    return undefined;
  };
  const held = new HeldJobs({ store, owner: 'ND_1', rooms: new FakeRooms(), log });
  const ends = new PatientEnds({ store, log });
  const reports = new WorkerReports({
    ...{ store, owner: 'ND_1', held, ends, onKept: () => {} },
    tried: (_what, work) => work(),
  });
  const [loud, other] = ['AW_1', 'AW_2'].map(
    (id) =>
      new AgentWorker({
        ...{ id, apiKey: 'key', type: 0, agentName: 'agent', deployment: '' },
        ...{ permissions: undefined, send: () => {} },
      }),
  );
  assert.ok(loud && other);
  const over = new UpdateJobStatus({ jobId: 'AJ_x', status: JobStatus.JS_SUCCESS });
  const all = Array.from({ length: 5000 }, () => reports.jobUpdated(loud, over));
  const last = reports.jobUpdated(other, over);
  answer();
  await Promise.all([...all, last]);
  assert.equal(asked, 1001);
  // Once they are done, it is heard again.
  await reports.jobUpdated(loud, over);
  assert.equal(asked, 1002);
  held.close();
  ends.close();
  await store.close();
});
