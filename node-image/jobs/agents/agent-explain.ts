import { JobType } from '@livekit/protocol';
import type { RegisteredNode } from '../../cluster/node-record';
import type { AgentJob } from './agent-job';
import { kindKey } from './agent-kind';
import { weightOf } from './agent-workers';

export interface ExplainedWorker {
  readonly id: string;
  /** The Master Node that it is connected to. */
  readonly nodeId: string;
  readonly agentName: string;
  /** Such as JT_ROOM. */
  readonly type: string;
  /** 0 to 1 */
  readonly load: number;
  /** Of the next job of its kind, 0 to 1; 0: it gets none now. */
  readonly chance: number;
  /** Why so, without a full stop. */
  readonly sentence: string;
}

export interface ExplainedAgentJob {
  readonly id: string;
  readonly type: string;
  readonly agentName: string;
  readonly state: AgentJob['job']['state'];
  readonly sentence: string;
}

/** Plain data: `sluice explain agent --json` prints it as it is. */
export interface AgentExplanation {
  readonly room: string;
  readonly isRoomThere: boolean;
  /** Of the dispatches of the Room, or as it was asked for; '' is for workers without a name. */
  readonly agentNames: readonly string[];
  readonly jobs: readonly ExplainedAgentJob[];
  readonly workers: readonly ExplainedWorker[];
  /** Workers that are not told of, as their Master Nodes have too many. */
  readonly more: number;
}

export interface AgentQuestion {
  readonly room: string;
  /** @default - those of its dispatches */
  readonly agentName?: string | undefined;
  /** Names of the agents that the Room is to have; undefined: there is no such Room. */
  readonly dispatched: readonly string[] | undefined;
  readonly jobs: readonly AgentJob[];
  readonly nodes: readonly RegisteredNode[];
}

/** Says who would get a job of an agent, and why not the others, as Master Nodes told up to 2 s ago. */
export function explainAgent(question: AgentQuestion): AgentExplanation {
  const { room, agentName, dispatched, jobs, nodes } = question;
  // A Room that nobody says more of is for workers without a name.
  const names = agentName === undefined ? (dispatched ?? ['']) : [agentName];
  const agentNames = [...new Set(names)];
  const known = nodes.filter(({ record }) => record.state !== 'starting');
  return {
    room,
    isRoomThere: dispatched !== undefined,
    agentNames,
    jobs: jobs.filter(({ spec }) => agentNames.includes(spec.agentName)).map(explainJob),
    workers: workersOf(known, agentNames),
    more: known.reduce((sum, { record }) => sum + (record.load.agents?.more ?? 0), 0),
  };
}

function workersOf(nodes: readonly RegisteredNode[], names: readonly string[]): ExplainedWorker[] {
  const all = nodes.flatMap(({ record }) =>
    (record.load.agents?.workers ?? [])
      .filter(({ agentName }) => names.includes(agentName))
      .map((worker) => ({ ...worker, nodeId: record.id, kind: kindKey(worker) })),
  );
  const left = (kind: string): number =>
    all
      .filter((one) => one.kind === kind && one.whyNot === undefined)
      .reduce((sum, { load }) => sum + weightOf(load), 0);
  return all
    .map(({ kind, whyNot, type, deployment: _deployment, ...worker }) => ({
      ...worker,
      type: JobType[type] ?? `${type}`,
      chance: whyNot === undefined ? weightOf(worker.load) / left(kind) : 0,
      sentence: whyNot ?? `its load is ${worker.load.toFixed(2)}`,
    }))
    .sort((a, b) => b.chance - a.chance || (a.id < b.id ? -1 : 1));
}

function explainJob({ job, spec, info }: AgentJob): ExplainedAgentJob {
  const seconds = Math.max(0, Math.round(-job.leaseLeftMs / 1000));
  const sentences = {
    waiting: `it waits for a worker, for ${seconds} s until now`,
    active:
      info.workerId === ''
        ? 'its worker is gone, or is being asked'
        : `${info.workerId} has it, as ${info.participantIdentity}`,
    ended: info.error === '' ? 'it has ended' : `it has ended: ${info.error}`,
  };
  return {
    id: job.id,
    type: JobType[spec.type] ?? `${spec.type}`,
    agentName: spec.agentName,
    state: job.state,
    sentence: sentences[job.state],
  };
}

/** The same as lines for people. */
export function agentExplanationInLines(explanation: AgentExplanation): string[] {
  const { room, isRoomThere, agentNames, jobs, workers, more } = explanation;
  const names = agentNames.map(nameOf).join(', ');
  const wanted =
    agentNames.length === 0
      ? `Room ${room} wants no agents.`
      : `Agents for Room ${room}${isRoomThere ? '' : ', which does not exist yet'}: ${names}.`;
  const able = workers.filter(({ chance }) => chance > 0).length;
  const next =
    able > 0
      ? `The next job goes to one of ${able} of ${workers.length} workers, by chance.`
      : `The next job waits: ${workers.length === 0 ? 'no such worker is connected' : 'no worker takes one now'}.`;
  return [
    wanted,
    ...jobs.map(
      ({ id, type, agentName, sentence }) => `${id}, ${type}, ${nameOf(agentName)}: ${sentence}`,
    ),
    ...(agentNames.length === 0 ? [] : [next]),
    ...workers.map(({ id, nodeId, agentName, type, chance, sentence }) => {
      const verdict = chance > 0 ? `${Math.round(chance * 100)} %` : 'not now';
      return `${chance > 0 ? '*' : '-'} ${id} on ${nodeId}, ${type}, ${nameOf(agentName)}, ${verdict}: ${sentence}`;
    }),
    ...(more > 0 ? [`${more} more workers are not told of.`] : []),
  ];
}

const nameOf = (agentName: string): string => (agentName === '' ? 'without a name' : agentName);
