import type { Logger } from 'pino';
import { noteDeparture } from '../cluster/departures';
import { Drain, type Drainable } from '../cluster/drain';
import { Heartbeat } from '../cluster/heartbeat';
import type { HostedRooms } from '../cluster/hosted-rooms';
import type { NodeLoad, NodeRecord, NodeState } from '../cluster/node-record';
import type { HeartbeatReply, Registry, RoomPlacement } from '../cluster/registry';

export interface SeatOptions {
  readonly registry: Registry;
  /** What stays the same of this node's record. */
  readonly identity: Omit<NodeRecord, 'state' | 'load' | 'drain' | 'configVersion'>;
  readonly configVersion: number;
  readonly load: () => NodeLoad;
  /** Of a node that hosts Rooms. */
  readonly hosted?: HostedRooms | undefined;
  /** Of a node that hosts Rooms. A Master Node has nothing to be moved. */
  readonly drainable?: Drainable | undefined;
  /** Another node hosts a Room of this one by now. */
  readonly onSuperseded?: ((placement: RoomPlacement) => void) | undefined;
  readonly onDuplicate: () => void;
  /** It is empty, and is to start anew. */
  readonly onRestart: () => void;
  readonly log: Logger;
}

const NOTHING: Drainable = {
  rooms: () => [],
  participants: () => 0,
  turnAllocations: () => 0,
  move: async () => undefined,
  putOut: () => {},
};

/** A node's seat in its cluster: it says that it is there, and does what is wanted of it. */
export class Seat {
  readonly drain: Drain;
  readonly #options: SeatOptions;
  readonly #heartbeat: Heartbeat;
  #state: 'starting' | 'running' = 'starting';
  #closing: Promise<void> | undefined;
  /** The registry's clock less this node's, ms. */
  #clockOffsetMs = 0;

  constructor(options: SeatOptions) {
    this.#options = options;
    this.drain = new Drain({
      node: options.drainable ?? NOTHING,
      clock: () => this.nowMs(),
      onChanged: () => this.#changed(),
      log: options.log,
    });
    this.#heartbeat = new Heartbeat({
      registry: options.registry,
      record: () => this.record(),
      rooms: () => options.hosted?.list() ?? [],
      order: () => this.drain.order,
      onReply: (reply) => this.#obey(reply),
      onDuplicate: options.onDuplicate,
      log: options.log,
    });
  }

  /** The registry's clock, ms since 1970. */
  nowMs(): number {
    return Date.now() + this.#clockOffsetMs;
  }

  get state(): NodeState {
    return this.#state === 'starting' ? 'starting' : this.drain.state;
  }

  /** Whether the registry has heard of this node lately. */
  get known(): boolean {
    return this.#heartbeat.answered;
  }

  record(): NodeRecord {
    const { identity, load, configVersion } = this.#options;
    return {
      ...identity,
      configVersion,
      state: this.state,
      load: load(),
      drain: this.drain.progress,
    };
  }

  /** Takes the seat: others see this node, as starting. Never rejects. */
  async take(): Promise<void> {
    await this.#heartbeat.start();
  }

  /** Everything is up: from now on it may be given Rooms. Never rejects. */
  async serve(): Promise<void> {
    this.#state = 'running';
    await this.#heartbeat.beat();
  }

  /** Leaves: others see it no more. Idempotent. */
  async close(): Promise<void> {
    this.drain.close();
    this.#closing ??= this.#leave();
    await this.#closing;
  }

  async #leave(): Promise<void> {
    const { registry, identity } = this.#options;
    // One that could not start, or is to start anew, has not left.
    const isLeaving = this.#state === 'running' && this.drain.order?.afterwards !== 'restart';
    if (isLeaving && identity.role === 'media' && this.known) {
      await noteDeparture(registry, identity.id);
    }
    await this.#heartbeat.close();
  }

  #changed(): void {
    void this.#heartbeat.beat();
    if (this.drain.state === 'drained' && this.drain.order?.afterwards === 'restart') {
      this.#options.onRestart();
    }
  }

  #obey(reply: HeartbeatReply): void {
    const { hosted, onSuperseded } = this.#options;
    this.#clockOffsetMs = reply.nowMs - Date.now();
    for (const placement of reply.superseded) {
      onSuperseded?.(placement);
    }
    // Also what the registry could not be told while it was away.
    hosted?.restored(reply.restored);
    if (this.#state === 'running') {
      this.drain.obey(reply.order);
    }
  }
}
