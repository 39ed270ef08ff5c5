import type { RoomAgentDispatch, RoomConfiguration, RoomEgress } from '@livekit/protocol';
import type { RoomFacts } from './handover';
import type { RoomOptions } from './room-types';

/** What may be said of a Room when it is asked for; undefined leaves the default. */
export interface RoomRequest {
  readonly name: string;
  readonly preset?: string | undefined;
  readonly metadata?: string | undefined;
  /** Seconds. 0 leaves the default, as in the protocol. */
  readonly emptyTimeout?: number | undefined;
  readonly departureTimeout?: number | undefined;
  readonly maxParticipants?: number | undefined;
  readonly syncStreams?: boolean | undefined;
  readonly agents?: readonly RoomAgentDispatch[] | undefined;
  /** What is recorded by itself. */
  readonly egress?: RoomEgress | undefined;
}

/** Seals what is to be recorded of a Room of this name: it holds keys of storage. */
export type EgressSeal = (room: string, egress: RoomEgress) => string;

/** What a Room gets that nobody said anything of. */
export type RoomDefaults = Omit<RoomOptions, 'name' | 'metadata' | 'agents' | 'autoEgress'>;

export function optionsOf(
  request: RoomRequest,
  preset: RoomConfiguration | undefined,
  defaults: RoomDefaults,
  seal?: EgressSeal,
): RoomOptions {
  const egress = request.egress ?? preset?.egress;
  return {
    name: request.name,
    metadata: request.metadata || preset?.metadata || '',
    emptyTimeout: request.emptyTimeout || preset?.emptyTimeout || defaults.emptyTimeout,
    departureTimeout:
      request.departureTimeout || preset?.departureTimeout || defaults.departureTimeout,
    maxParticipants: request.maxParticipants || preset?.maxParticipants || defaults.maxParticipants,
    syncStreams: request.syncStreams || preset?.syncStreams || defaults.syncStreams,
    agents: request.agents?.length ? request.agents : preset?.agents,
    autoEgress: egress && seal?.(request.name, egress),
  };
}

export const optionsOfFacts = (facts: RoomFacts): RoomOptions => ({
  name: facts.name,
  metadata: facts.metadata,
  emptyTimeout: facts.emptyTimeout,
  departureTimeout: facts.departureTimeout,
  maxParticipants: facts.maxParticipants,
  syncStreams: facts.syncStreams,
  autoEgress: facts.autoEgress,
});
