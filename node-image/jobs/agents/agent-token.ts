import type { AvailabilityResponse, ParticipantPermission } from '@livekit/protocol';
import type { AgentJob } from './agent-job';

/** So long an agent may join with its token, in s; what it is given while it is there lasts longer. */
export const AGENT_TOKEN_S = 3600;

export interface AgentLimits {
  /** Bytes; 0: no limit. */
  readonly identity: number;
  readonly name: number;
  readonly metadata: number;
  readonly attributes: number;
}

/** Who an agent is in the Room, by what its worker has answered. */
export interface AgentIdentity {
  readonly identity: string;
  readonly claims: Record<string, unknown>;
}

/** @returns what is too long, for people; undefined: nothing is. */
export function tooLong(response: AvailabilityResponse, limits: AgentLimits): string | undefined {
  const { participantIdentity, participantName, participantMetadata } = response;
  const attributes = Object.entries(response.participantAttributes).flat().join('');
  const sizes = [
    ['identity', participantIdentity, limits.identity],
    ['name', participantName, limits.name],
    ['metadata', participantMetadata, limits.metadata],
    ['attributes', attributes, limits.attributes],
  ] as const;
  const wrong = sizes.find(([, text, limit]) => limit > 0 && Buffer.byteLength(text) > limit);
  return wrong === undefined
    ? undefined
    : `the ${wrong[0]} of the agent has ${Buffer.byteLength(wrong[1])} bytes; ${wrong[2]} are allowed`;
}

/**
 * What the token says that an agent joins with.
 *
 * Source: livekit/protocol, agent/token.go BuildAgentToken.
 *
 * @param assignment - 1 the first time that the job is given to a worker
 */
export function agentIdentity(
  { job, spec }: Pick<AgentJob, 'job' | 'spec'>,
  response: AvailabilityResponse,
  permissions: ParticipantPermission | undefined,
  assignment: number,
): AgentIdentity {
  const identity = response.participantIdentity || `agent-${job.id}`;
  const { agentName } = spec;
  return {
    identity,
    claims: {
      name: response.participantName,
      kind: 'agent',
      metadata: response.participantMetadata,
      attributes: {
        ...(agentName !== '' && { 'lk.agent.name': agentName }),
        ...response.participantAttributes,
        'lk.agent_name': agentName,
      },
      video: {
        roomJoin: true,
        room: job.room,
        agent: true,
        hidden: permissions?.hidden ?? false,
        canSubscribe: permissions?.canSubscribe ?? true,
        canPublish: permissions?.canPublish ?? true,
        canPublishData: permissions?.canPublishData ?? true,
        canUpdateOwnMetadata: permissions?.canUpdateMetadata ?? true,
      },
      sluice: { agentJob: { id: job.id, assignment } },
    },
  };
}
