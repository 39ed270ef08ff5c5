import {
  type AgentDispatch,
  AgentDispatch as DispatchMessage,
  RoomAgentDispatch,
} from '@livekit/protocol';
import { z } from 'zod';
import { RoomError } from './errors';
import { newId } from './ids';

/** So many agents, by dispatches, one Room may have. */
export const MAX_DISPATCHES = 100;

/** One agent that a Room is to have, as it outlives the node that hosts the Room. */
export const dispatchSchema = z.object({
  id: z.string().min(1),
  /** Empty: of workers that have registered without a name. */
  agentName: z.string(),
  metadata: z.string(),
  attributes: z.record(z.string(), z.string()),
  deployment: z.string(),
  restartPolicy: z.int(),
  createdAtMs: z.int(),
  /** Whether the one job that is for the whole Room has been made: there is no second one. */
  isLaunched: z.boolean(),
});

export type RoomDispatch = z.infer<typeof dispatchSchema>;

/**
 * The dispatches of a Room that is new.
 *
 * @param asked - none: every worker without a name is for every Room. Source: livekit-server,
 *   createAgentDispatchesFromRoomAgent.
 */
export const newDispatches = (
  asked: readonly RoomAgentDispatch[] | undefined,
  nowMs: number,
): RoomDispatch[] =>
  (asked?.length ? asked : [new RoomAgentDispatch()])
    .slice(0, MAX_DISPATCHES)
    .map((one) => dispatchOf(new DispatchMessage({ ...fieldsOf(one), id: newId('AD_') }), nowMs));

const fieldsOf = (one: RoomAgentDispatch): Partial<AgentDispatch> => ({
  agentName: one.agentName,
  metadata: one.metadata,
  attributes: one.attributes,
  deployment: one.deployment,
  restartPolicy: one.restartPolicy,
});

const dispatchOf = (message: AgentDispatch, nowMs: number): RoomDispatch => ({
  id: message.id,
  agentName: message.agentName,
  metadata: message.metadata,
  attributes: { ...message.attributes },
  deployment: message.deployment,
  restartPolicy: message.restartPolicy,
  createdAtMs: nowMs,
  isLaunched: false,
});

export interface AgentDispatchesOptions {
  readonly initial: readonly RoomDispatch[];
  readonly now: () => number;
  /** Something has changed of what outlives this node. */
  readonly onChanged: () => void;
  /** Another agent is wanted, or one no more. */
  readonly onWanted: () => void;
}

/** Which agents a Room is to have. */
export class AgentDispatches {
  readonly #options: AgentDispatchesOptions;
  #all: readonly RoomDispatch[];

  constructor(options: AgentDispatchesOptions) {
    this.#options = options;
    this.#all = options.initial;
  }

  /** The oldest first. */
  get all(): readonly RoomDispatch[] {
    return this.#all;
  }

  /**
   * Adds one, by its id once.
   *
   * @throws RoomError where there are as many as may be.
   */
  add(message: AgentDispatch): RoomDispatch {
    const known = this.#all.find(({ id }) => id === message.id);
    if (known !== undefined) {
      return known;
    }
    if (this.#all.length >= MAX_DISPATCHES) {
      throw new RoomError(
        'resource_exhausted',
        `the room has ${MAX_DISPATCHES} agent dispatches, which is as many as it may have; delete one`,
      );
    }
    const dispatch = dispatchOf(message, this.#options.now());
    this.#set([...this.#all, dispatch]);
    this.#options.onWanted();
    return dispatch;
  }

  /** @returns what it was; undefined: there is none of this id. */
  remove(id: string): RoomDispatch | undefined {
    const found = this.#all.find((one) => one.id === id);
    if (found !== undefined) {
      this.#set(this.#all.filter((one) => one !== found));
      this.#options.onWanted();
    }
    return found;
  }

  /** The job for the whole Room has been made. */
  launched(id: string): void {
    this.#set(this.#all.map((one) => (one.id === id ? { ...one, isLaunched: true } : one)));
  }

  /** Becomes what it was elsewhere. */
  takeOver(dispatches: readonly RoomDispatch[]): void {
    this.#all = dispatches;
    this.#options.onWanted();
  }

  #set(all: readonly RoomDispatch[]): void {
    this.#all = all;
    this.#options.onChanged();
  }
}
