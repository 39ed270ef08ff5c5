import { AgentDispatches, newDispatches } from './agent-dispatches';
import type { RoomFacts } from './handover';
import { newId } from './ids';
import { newSifTrailer } from './join-response';
import type { Room } from './room';
import { optionsOfFacts } from './room-options';
import type { RoomDependencies, RoomOptions } from './room-types';

/** What a Room is, whoever is in it: what outlives the node that hosts it. */
export class RoomState {
  readonly sid: string;
  readonly createdMs: number;
  /** What marks frames that the server itself puts into an encrypted stream. */
  readonly sifTrailer: Uint8Array;
  options: RoomOptions;
  /** Whether anybody was ever in it. */
  everJoined: boolean;
  /** Which agents it is to have. */
  readonly dispatches: AgentDispatches;

  /** @param facts - of the Room that this one goes on as. */
  constructor(options: RoomOptions, room: Room, deps: RoomDependencies, facts?: RoomFacts) {
    const nowMs = deps.now();
    this.options = options;
    this.sid = facts?.sid ?? newId('RM_');
    this.createdMs = facts?.createdMs ?? nowMs;
    this.dispatches = new AgentDispatches({
      now: deps.now,
      onChanged: () => deps.onFactsChanged(room),
      onWanted: () => deps.observer.agentsWanted?.(room.info()),
      initial: facts ? (facts.dispatches ?? []) : newDispatches(options.agents, nowMs),
    });
    this.sifTrailer = facts ? Buffer.from(facts.sifTrailer, 'base64') : newSifTrailer();
    this.everJoined = facts?.everJoined ?? false;
  }

  facts(): RoomFacts {
    const { agents: _, ...options } = this.options;
    return {
      ...options,
      sid: this.sid,
      createdMs: this.createdMs,
      sifTrailer: Buffer.from(this.sifTrailer).toString('base64'),
      everJoined: this.everJoined,
      dispatches: [...this.dispatches.all],
    };
  }

  /** Takes over what a later request for the same Room says of times, numbers and recordings. */
  update(request: Partial<RoomOptions>): void {
    const { emptyTimeout, departureTimeout, maxParticipants, autoEgress } = this.options;
    this.options = {
      ...this.options,
      emptyTimeout: request.emptyTimeout || emptyTimeout,
      departureTimeout: request.departureTimeout || departureTimeout,
      maxParticipants: request.maxParticipants || maxParticipants,
      autoEgress: request.autoEgress ?? autoEgress,
    };
  }

  setMetadata(metadata: string): void {
    this.options = { ...this.options, metadata };
  }

  /** Becomes what it was elsewhere. Clients know its sid already, so that stays. */
  takeOver(facts: RoomFacts): void {
    this.options = optionsOfFacts(facts);
    this.everJoined ||= facts.everJoined;
    this.dispatches.takeOver(facts.dispatches ?? []);
  }
}
