import type { Logger } from 'pino';
import { type DrainableJobs, JobDrain } from './drain-jobs';
import type { DrainOrder, DrainProgress, NodeState } from './node-record';

/** What a Media Node has that must be gone before it is empty. */
export interface Drainable {
  /** Rooms that are hosted here. */
  rooms(): readonly string[];
  participants(): number;
  /** Of this node's TURN server, whosever Room they are for. */
  turnAllocations(): number;
  /**
   * Moves a Room to another node: its clients are sent there.
   *
   * @returns what is in the way, for people; undefined where it is moved, or has ended meanwhile.
   */
  move(room: string): Promise<string | undefined>;
  /** Ends a Room here, wherever its clients go. */
  putOut(room: string): void;
  /** @default - it runs none */
  readonly jobs?: DrainableJobs | undefined;
}

export interface DrainOptions {
  readonly node: Drainable;
  /** The registry's clock, ms since 1970. */
  readonly clock: () => number;
  /** The state or the progress has changed: others should know. */
  readonly onChanged: () => void;
  readonly log: Logger;
  /** How often it is looked whether the node is empty, ms. @default 250 */
  readonly intervalMs?: number;
}

const INTERVAL_MS = 250;
/** Kept free before the deadline, for the last ones to be gone, ms. */
const MARGIN_MS = 5000;
/** As long as a move may take where nothing is in the way, ms. */
const MOVE_MS = 500;
const MOST_AT_ONCE = 32;
/**
 * Between two moves where there is time, ms: those who rejoin cost their new nodes as much as all
 * joins do, and each other's time where they come all at once.
 */
const SPACING_MS = 500;
/** After a move that could not be made, ms. */
const RETRY_MS = 1000;

/**
 * Empties a node by its order: waits for Rooms to end, moves those that are left, and at the
 * deadline does what the order says. Without an order the node serves.
 */
export class Drain {
  readonly #options: DrainOptions;
  #order: DrainOrder | undefined;
  #timer: NodeJS.Timeout | undefined;
  #drained = false;
  #moved = 0;
  readonly #moving = new Set<string>();
  #obstacle = '';
  #overdue = false;
  #retryAtMs = 0;
  /** How many moves may begin now, and when that was counted. */
  #allowance = 1;
  #allowedAtMs = 0;
  #said = '';
  #ticking = false;
  readonly #onDrained: (() => void)[] = [];
  readonly #jobs: JobDrain | undefined;

  constructor(options: DrainOptions) {
    this.#options = options;
    const { clock, log } = options;
    const { jobs } = options.node;
    this.#jobs = jobs && new JobDrain({ jobs, clock, log });
  }

  get state(): Extract<NodeState, 'serving' | 'draining' | 'drained'> {
    if (this.#order === undefined) {
      return 'serving';
    }
    return this.#drained ? 'drained' : 'draining';
  }

  get order(): DrainOrder | undefined {
    return this.#order;
  }

  get progress(): DrainProgress | undefined {
    const { node } = this.#options;
    const jobsLeft = this.#jobs?.left ?? 0;
    return (
      this.#order && {
        orderId: this.#order.id,
        roomsLeft: node.rooms().length,
        participantsLeft: node.participants(),
        turnAllocationsLeft: node.turnAllocations(),
        ...(jobsLeft > 0 && { jobsLeft, jobsLeftByKind: this.#jobs?.leftByKind() }),
        roomsMoved: this.#moved,
        obstacle: this.#obstacle || this.#whatIsLeft(),
        overdue: this.#overdue,
      }
    );
  }

  /** Takes what the registry says: an order, a changed one, or that there is none any more. */
  obey(order: DrainOrder | undefined): void {
    const before = this.#order;
    if (order === undefined) {
      // A final one cannot be taken back: the registry has never heard of it.
      if (before !== undefined && before.final === undefined) {
        this.#cancel();
      }
      return;
    }
    this.#order = order;
    if (before === undefined) {
      this.#begin(order);
    }
  }

  /** Resolves when the node is empty, now or later. */
  whenDrained(): Promise<void> {
    return this.#drained
      ? Promise.resolve()
      : new Promise((resolve) => this.#onDrained.push(resolve));
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #begin(order: DrainOrder): void {
    const { log, clock, node, intervalMs = INTERVAL_MS } = this.#options;
    this.#drained = false;
    this.#overdue = false;
    this.#moved = 0;
    this.#obstacle = '';
    this.#jobs?.begin();
    log.info(
      {
        reason: order.reason,
        rooms: node.rooms().length,
        participants: node.participants(),
        jobs: this.#jobs?.leftByKind() ?? {},
        patienceSeconds: Math.round((order.patienceUntilMs - clock()) / 1000),
        deadlineSeconds: Math.round((order.deadlineMs - clock()) / 1000),
        onDeadline: order.onDeadline,
      },
      'draining: no new Rooms and jobs from now on',
    );
    this.#timer = setInterval(() => this.#tick(), intervalMs);
    this.#tick();
    this.#options.onChanged();
  }

  #cancel(): void {
    clearInterval(this.#timer);
    this.#order = undefined;
    this.#drained = false;
    this.#options.log.info('the drain is cancelled: this node serves again');
    this.#options.onChanged();
  }

  #tick(): void {
    const order = this.#order;
    if (order === undefined || this.#ticking) {
      return;
    }
    this.#ticking = true;
    try {
      this.#step(order);
    } catch (error) {
      this.#options.log.error({ err: error }, 'a step of the drain failed; it goes on');
    } finally {
      this.#ticking = false;
    }
  }

  #step(order: DrainOrder): void {
    const { node, clock } = this.#options;
    const now = clock();
    const rooms = node.rooms();
    const isOver = now >= order.deadlineMs;
    const isBusy = rooms.length > 0 || node.turnAllocations() > 0 || (this.#jobs?.left ?? 0) > 0;
    if (isOver && isBusy) {
      this.#tellOverdue(order, rooms.length);
    }
    const isForced = isOver && order.onDeadline === 'force';
    if (isForced) {
      this.#force(rooms);
    } else if (now >= order.patienceUntilMs && now >= this.#retryAtMs) {
      this.#moveSome(rooms, order.deadlineMs - now);
    }
    const hasNoJobs = this.#jobs?.step(order) ?? true;
    const empty =
      hasNoJobs &&
      node.rooms().length === 0 &&
      node.participants() === 0 &&
      (node.turnAllocations() === 0 || isForced);
    if (empty !== this.#drained) {
      this.#setDrained(empty);
    }
    this.#tellProgress();
  }

  /** As many at once, and as close behind each other, as the time that is left demands. */
  #moveSome(rooms: readonly string[], leftMs: number): void {
    const time = Math.max(1, leftMs - MARGIN_MS);
    const atOnce = Math.min(MOST_AT_ONCE, Math.max(1, Math.ceil((rooms.length * MOVE_MS) / time)));
    this.#allow(Math.min(SPACING_MS, time / (2 * Math.max(1, rooms.length))));
    for (const room of rooms) {
      if (this.#moving.size >= atOnce || this.#allowance < 1) {
        return;
      }
      if (!this.#moving.has(room)) {
        this.#allowance -= 1;
        this.#moving.add(room);
        void this.#move(room).finally(() => this.#moving.delete(room));
      }
    }
  }

  /** Spreads the moves over the time; what was not used is lost, save for what one look makes up. */
  #allow(spacingMs: number): void {
    const { clock, intervalMs = INTERVAL_MS } = this.#options;
    const now = clock();
    const earned = (now - this.#allowedAtMs) / spacingMs;
    const most = Math.max(1, intervalMs / spacingMs);
    this.#allowance = Math.min(most, this.#allowance + earned);
    this.#allowedAtMs = now;
  }

  /** The last attempt to move what is left; a Room that cannot be moved ends. */
  #force(rooms: readonly string[]): void {
    for (const room of rooms) {
      if (this.#moving.size >= MOST_AT_ONCE) {
        return;
      }
      if (!this.#moving.has(room)) {
        this.#moving.add(room);
        void this.#move(room)
          .then((isMoved) => {
            if (!isMoved) this.#options.node.putOut(room);
          })
          .catch((error: unknown) => {
            this.#options.log.error({ err: error, room }, 'a Room could not be ended; once more');
          })
          .finally(() => this.#moving.delete(room));
      }
    }
  }

  /** @returns whether it is gone from here. */
  async #move(room: string): Promise<boolean> {
    const { node, clock, log } = this.#options;
    let obstacle: string | undefined;
    try {
      obstacle = await node.move(room);
    } catch (error) {
      log.warn({ err: error, room }, 'a Room could not be moved; it is tried again');
      obstacle = `Room ${room} could not be moved: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (obstacle === undefined) {
      this.#moved += 1;
      this.#obstacle = '';
      this.#tick();
      return true;
    }
    if (obstacle !== this.#obstacle) {
      log.warn({ room, obstacle }, 'the drain cannot go on at the moment');
    }
    this.#obstacle = obstacle;
    this.#retryAtMs = clock() + RETRY_MS;
    return false;
  }

  #whatIsLeft(): string {
    const { node } = this.#options;
    const jobs = this.#jobs?.left ?? 0;
    if (!this.#drained && node.rooms().length === 0 && jobs > 0) {
      return `${jobs} ${jobs === 1 ? 'job runs' : 'jobs run'} there still`;
    }
    const left = this.#drained || node.rooms().length > 0 ? 0 : node.turnAllocations();
    return left === 0 ? '' : `clients are still relayed by its TURN server: ${left} allocations`;
  }

  #tellOverdue({ onDeadline }: DrainOrder, rooms: number): void {
    const { node, log } = this.#options;
    if (this.#overdue) {
      return;
    }
    this.#overdue = true;
    log.warn(
      { rooms, participants: node.participants(), jobs: this.#jobs?.leftByKind() ?? {} },
      onDeadline === 'force'
        ? 'the deadline of the drain has passed: Rooms that cannot be moved at once end here'
        : 'the deadline of the drain has passed: this node is kept until its Rooms are gone',
    );
  }

  #setDrained(drained: boolean): void {
    this.#drained = drained;
    if (drained) {
      this.#obstacle = '';
      this.#options.log.info({ roomsMoved: this.#moved, overdue: this.#overdue }, 'drained');
      for (const resolve of this.#onDrained.splice(0)) {
        resolve();
      }
    }
  }

  #tellProgress(): void {
    const said = JSON.stringify([this.state, this.progress]);
    if (said !== this.#said) {
      this.#said = said;
      this.#options.onChanged();
    }
  }
}
