import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JobStatus, JobType } from '@livekit/protocol';
import type { AgentWorkerLoad } from '../../../node-image/cluster/node-record';
import {
  agentExplanationInLines,
  explainAgent,
} from '../../../node-image/jobs/agents/agent-explain';
import { NEW_INFO, readAgentJob } from '../../../node-image/jobs/agents/agent-job';
import { MemoryJobStore } from '../../../node-image/jobs/store/memory-job-store';
import { nodeNamed } from '../../cluster/placement-nodes';
import { wantAgent } from './support/desk-node';

const worker = (id: string, changes: Partial<AgentWorkerLoad> = {}): AgentWorkerLoad => ({
  ...{ id, type: JobType.JT_ROOM, agentName: 'greeter', deployment: '', load: 0.1 },
  ...changes,
});
const master = (id: string, workers: AgentWorkerLoad[], more = 0) =>
  nodeNamed(id, { role: 'master', load: { agents: { workers, more } } });

test('says who would get the job of an agent, and why not the others, on all Master Nodes', async () => {
  const store = new MemoryJobStore();
  const [waits, runs] = [
    await wantAgent(store, { agentName: 'greeter' }),
    await wantAgent(store, { agentName: 'greeter', type: JobType.JT_PARTICIPANT }),
  ];
  const claimed = await store.claim(runs, 0, 'ND_1');
  assert.ok(claimed);
  const info = { ...NEW_INFO, status: JobStatus.JS_RUNNING, workerId: 'AW_3' };
  await store.update(claimed, JSON.stringify({ ...info, participantIdentity: 'agent-7' }));
  await wantAgent(store, { agentName: 'other' });
  const jobs = (await store.list()).flatMap((job) => readAgentJob(job) ?? []);
  const explained = explainAgent({
    room: 'room',
    dispatched: ['greeter'],
    jobs,
    nodes: [
      master('ND_1', [
        worker('AW_1', { load: 0.7, whyNot: 'it says that it is full' }),
        worker('AW_2', { load: 0.4 }),
        worker('AW_other', { agentName: 'other' }),
      ]),
      master(
        'ND_2',
        [
          worker('AW_3', { load: 0.1 }),
          // The only one for participants: what others have left is not for them.
          worker('AW_4', { type: JobType.JT_PARTICIPANT, load: 0.5 }),
        ],
        2,
      ),
      nodeNamed('ND_media'),
    ],
  });
  assert.deepEqual(agentExplanationInLines(explained), [
    'Agents for Room room: greeter.',
    `${waits}, JT_ROOM, greeter: it waits for a worker, for 0 s until now`,
    `${runs}, JT_PARTICIPANT, greeter: AW_3 has it, as agent-7`,
    'The next job goes to one of 3 of 4 workers, by chance.',
    '* AW_4 on ND_2, JT_PARTICIPANT, greeter, 100 %: its load is 0.50',
    '* AW_3 on ND_2, JT_ROOM, greeter, 60 %: its load is 0.10',
    '* AW_2 on ND_1, JT_ROOM, greeter, 40 %: its load is 0.40',
    '- AW_1 on ND_1, JT_ROOM, greeter, not now: it says that it is full',
    '2 more workers are not told of.',
  ]);
  await store.close();
});

test('says that a job would wait, of a Room that is not there, and that a Room wants none', () => {
  const nowhere = explainAgent({
    ...{ room: 'nowhere', agentName: 'greeter', dispatched: undefined, jobs: [] },
    nodes: [master('ND_1', [worker('AW_1', { agentName: '' })])],
  });
  assert.deepEqual(agentExplanationInLines(nowhere), [
    'Agents for Room nowhere, which does not exist yet: greeter.',
    'The next job waits: no such worker is connected.',
  ]);
  const none = explainAgent({ room: 'silent', dispatched: [], jobs: [], nodes: [] });
  assert.deepEqual(agentExplanationInLines(none), ['Room silent wants no agents.']);
});
