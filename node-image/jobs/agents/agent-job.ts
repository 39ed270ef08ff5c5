import type { JsonValue } from '@bufbuild/protobuf';
import {
  JobRestartPolicy,
  JobState,
  JobStatus,
  JobType,
  ParticipantInfo,
  Job as ProtoJob,
  Room,
} from '@livekit/protocol';
import { z } from 'zod';
import type { Job } from '../job';

/** Of the protocol's times, which are in ns. */
const NS_PER_MS = 1_000_000n;

const specSchema = z.object({
  dispatchId: z.string(),
  type: z.enum(JobType),
  agentName: z.string(),
  deployment: z.string(),
  metadata: z.string(),
  attributes: z.record(z.string(), z.string()),
  /** As JSON of the protocol, as it was when the job was made. */
  room: z.json(),
  participant: z.json().optional(),
  enableRecording: z.boolean(),
  enableRedaction: z.boolean(),
  /** Whether it is given to a worker again after it has failed, or was lost. */
  restartPolicy: z.enum(JobRestartPolicy).default(JobRestartPolicy.JRP_ON_FAILURE),
});

/** In place of the id of a dispatch: a worker has asked for the job itself. */
export const SIMULATED = '';

/** What an agent is wanted for: `spec` of its job. */
export type AgentSpec = z.infer<typeof specSchema>;

const infoSchema = z.object({
  status: z.enum(JobStatus),
  error: z.string(),
  /** How often it was given to a worker. */
  assignments: z.int(),
  workerId: z.string(),
  participantIdentity: z.string(),
  /** ms since 1970 of the clock of who writes it; 0: not yet. */
  startedAtMs: z.int(),
  endedAtMs: z.int(),
  updatedAtMs: z.int(),
  /** Not to be given to a worker before this, ms since 1970; 0: at once. */
  notBeforeMs: z.int().default(0),
});

/** What has become of it: `info` of its job. */
export type AgentInfo = z.infer<typeof infoSchema>;

export const NEW_INFO: AgentInfo = {
  status: JobStatus.JS_PENDING,
  error: '',
  assignments: 0,
  workerId: '',
  participantIdentity: '',
  startedAtMs: 0,
  endedAtMs: 0,
  updatedAtMs: 0,
  notBeforeMs: 0,
};

/** A job of an agent, read. */
export interface AgentJob {
  readonly job: Job;
  readonly spec: AgentSpec;
  readonly info: AgentInfo;
}

/** @returns undefined for what is no job of an agent, or of a version that writes otherwise. */
export function readAgentJob(job: Job): AgentJob | undefined {
  if (job.kind !== 'agent') {
    return undefined;
  }
  try {
    const spec = specSchema.safeParse(JSON.parse(job.spec));
    const info = infoSchema.safeParse(JSON.parse(job.info));
    return spec.success && info.success ? { job, spec: spec.data, info: info.data } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether it was given to a worker, which has not ended it. */
export const isRunning = ({ info }: Pick<AgentJob, 'info'>): boolean =>
  info.status === JobStatus.JS_RUNNING;

/** What is said of a job that has ended. */
export const endedInfo = (
  info: AgentInfo,
  status: JobStatus.JS_SUCCESS | JobStatus.JS_FAILED,
  nowMs: number,
  error = '',
): string =>
  JSON.stringify({
    ...info,
    status,
    error,
    endedAtMs: nowMs,
    updatedAtMs: nowMs,
  } satisfies AgentInfo);

/** What is said of a job that is to be given to a worker again, after so long. */
export const waitingInfo = (info: AgentInfo, nowMs: number, waitMs = 0): string =>
  JSON.stringify({
    ...info,
    status: JobStatus.JS_PENDING,
    workerId: '',
    participantIdentity: '',
    updatedAtMs: nowMs,
    notBeforeMs: waitMs > 0 ? nowMs + waitMs : 0,
  } satisfies AgentInfo);

/** The identity of the participant that a job is for; undefined: it is for the Room. */
export const participantOf = ({ spec }: Pick<AgentJob, 'spec'>): string | undefined =>
  spec.participant === undefined
    ? undefined
    : messageOf(ParticipantInfo, spec.participant).identity;

/** As workers and the server API see it. Source: livekit_agent.proto Job. */
export function protoJob({ job, spec, info }: AgentJob): ProtoJob {
  return new ProtoJob({
    id: job.id,
    dispatchId: spec.dispatchId,
    type: spec.type,
    room: messageOf(Room, spec.room),
    ...(spec.participant !== undefined && {
      participant: messageOf(ParticipantInfo, spec.participant),
    }),
    metadata: spec.metadata,
    agentName: spec.agentName,
    deployment: spec.deployment,
    attributes: spec.attributes,
    enableRecording: spec.enableRecording,
    enableRedaction: spec.enableRedaction,
    state: new JobState({
      status: info.status,
      error: info.error,
      startedAt: BigInt(info.startedAtMs) * NS_PER_MS,
      endedAt: BigInt(info.endedAtMs) * NS_PER_MS,
      updatedAt: BigInt(info.updatedAtMs || job.createdAtMs) * NS_PER_MS,
      participantIdentity: info.participantIdentity,
      workerId: info.workerId,
    }),
  });
}

function messageOf<M>(
  type: { fromJson(json: JsonValue, options: { ignoreUnknownFields: boolean }): M; new (): M },
  json: unknown,
): M {
  try {
    return type.fromJson(json as JsonValue, { ignoreUnknownFields: true });
  } catch {
    // Of a newer version, which says something that this one cannot read.
    return new type();
  }
}
