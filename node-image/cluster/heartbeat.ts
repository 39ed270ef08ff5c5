import type { Logger } from 'pino';
import { type DrainOrder, HEARTBEAT_MS, type NodeRecord } from './node-record';
import type { HeartbeatReply, HostedRoom, Registry } from './registry';

/**
 * A registry that comes back empty places Rooms after HEARTBEAT_MS and a bit: by then it must have
 * heard of those that run, however late its connections are made.
 */
const AGAIN_MS = 250;

export interface HeartbeatOptions {
  readonly registry: Registry;
  readonly record: () => NodeRecord;
  readonly rooms: () => readonly HostedRoom[];
  /** The drain order that it obeys: the registry has it again, should it lose it. @default none */
  readonly order?: () => DrainOrder | undefined;
  /** What the registry wants of this node. What it throws is logged. */
  readonly onReply: (reply: HeartbeatReply) => void;
  /** Another process goes by the same id: this one must not serve. */
  readonly onDuplicate: () => void;
  readonly log: Logger;
  /** @default HEARTBEAT_MS */
  readonly intervalMs?: number;
  /** After one that was not taken, ms. @default 250 */
  readonly againMs?: number;
}

/** Says every 2 s that this node is there, what it does, and what it hosts. */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #unsubscribe: () => void;
  #timer: NodeJS.Timeout | undefined;
  #againTimer: NodeJS.Timeout | undefined;
  #beating: Promise<void> | undefined;
  #again = false;
  #answered = true;
  #closed = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    const own = (): string => options.record().id;
    this.#unsubscribe = options.registry.onEvent((event) => {
      if (event.type === 'node' && event.nodeId === own()) {
        void this.beat();
      }
    });
  }

  /** Whether the last one was answered: without, this node is given nothing new. */
  get answered(): boolean {
    return this.#answered;
  }

  /** Beats for the first time, and from then on by itself. Never rejects. */
  async start(): Promise<void> {
    const { intervalMs = HEARTBEAT_MS } = this.#options;
    await this.beat();
    if (!this.#closed) {
      this.#timer = setInterval(() => void this.beat(), intervalMs);
    }
  }

  /** Beats now; where one is under way, once more after it, as things have changed. Never rejects. */
  beat(): Promise<void> {
    if (this.#beating !== undefined) {
      this.#again = true;
      return this.#beating;
    }
    this.#beating = this.#run().finally(() => {
      this.#beating = undefined;
    });
    return this.#beating;
  }

  /** Beats no more, and takes the record of this node away. Never rejects. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    clearInterval(this.#timer);
    clearTimeout(this.#againTimer);
    this.#unsubscribe();
    await this.#beating;
    await this.#options.registry.forgetNode(this.#options.record().id).catch(() => {});
  }

  async #run(): Promise<void> {
    do {
      this.#again = false;
      await this.#once();
    } while (this.#again && !this.#closed);
  }

  async #once(): Promise<void> {
    const { registry, record, rooms, order, onReply, onDuplicate, log } = this.#options;
    if (this.#closed) {
      return;
    }
    const reply = await registry
      .heartbeat(record(), rooms(), order?.())
      .catch((error: unknown) => this.#refused(error));
    if (reply === undefined) {
      return;
    }
    if (!this.#answered) {
      log.info('the registry has this node again');
    }
    this.#answered = true;
    try {
      if (reply.duplicate) {
        onDuplicate();
      } else if (!this.#closed) {
        onReply(reply);
      }
    } catch (error) {
      log.error({ err: error }, 'what the registry wants of this node could not be done');
    }
  }

  #refused(error: unknown): undefined {
    if (this.#answered) {
      this.#options.log.warn(
        { err: error },
        'the registry does not take the heartbeat of this node: its Rooms go on, and it gets no new ones',
      );
    }
    this.#answered = false;
    this.#tryAgain();
  }

  #tryAgain(): void {
    clearTimeout(this.#againTimer);
    if (!this.#closed) {
      this.#againTimer = setTimeout(() => void this.beat(), this.#options.againMs ?? AGAIN_MS);
    }
  }
}
