import type { NodeLoad } from './node-record';
import { type LedgerConfig, recentWeight } from './placement-load';

/** What a Room or a job takes of a node. */
export interface Cost {
  /** Cores. */
  readonly cpus: number;
  readonly memoryBytes: number;
  /** In and out together. */
  readonly bytesPerSec: number;
  readonly diskBytes: number;
}

const JOB_KINDS = ['egress', 'ingress', 'agent'] as const;
export type ReservationKind = 'room' | (typeof JOB_KINDS)[number];

export interface Reservation {
  /** Of all kinds together; such as the sid of a Room, or the id of a job. */
  readonly id: string;
  readonly kind: ReservationKind;
  /** What is left out costs nothing. */
  readonly cost: Partial<Cost>;
  /** Share of the CPU, 0 to 1, that has to stay free besides. @default 0 */
  readonly idleRatio?: number | undefined;
}

export interface LedgerOptions {
  /** What the node has to give; 0: not known, and never used up. */
  readonly capacity: Cost;
  /** Monotonic, in ms. @default performance.now */
  readonly now?: () => number;
}

interface Entry {
  readonly kind: ReservationKind;
  readonly cost: Cost;
  readonly sinceMs: number;
}

const RESOURCES = ['cpus', 'memoryBytes', 'bytesPerSec', 'diskBytes'] as const;
export type Resource = (typeof RESOURCES)[number];
/** Ten times a tenth is not quite one. */
const ROUNDING = 1e-9;
const NOTHING: Cost = { cpus: 0, memoryBytes: 0, bytesPerSec: 0, diskBytes: 0 };

/**
 * What a node has promised to Rooms and jobs. All of them reserve here, each before it starts, so
 * that no two are let in for the same idle core.
 *
 * A Room reserves what it is expected to take only until that can be measured: its reservation falls
 * to nothing within the time in which its load shows. What a Room really takes may be a hundred times
 * that, or nothing, and only the measurement knows. A job reserves for as long as it lives, as it may
 * start slowly and need all of it later.
 */
export class Ledger {
  readonly #capacity: Cost;
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();
  #measured = NOTHING;

  constructor({ capacity, now = () => performance.now() }: LedgerOptions) {
    this.#capacity = capacity;
    this.#now = now;
  }

  /**
   * Tells what is in use now.
   *
   * @param used - by the whole node.
   * @param byJobs - the part of it that jobs use, which their reservations cover. Where it is not
   * known, jobs count twice: fewer are let in, never too many. @default nothing
   */
  measured(used: Partial<Cost>, byJobs: Partial<Cost> = {}): void {
    const [all, jobs] = [full(used), full(byJobs)];
    this.#measured = combine(all, jobs, (a, b) => Math.max(0, a - b));
  }

  /**
   * Takes what something new needs. The same id again changes nothing.
   *
   * @returns false for a job that does not fit, and nothing is reserved. A Room is always let in:
   * where it goes has been decided by then, and no other node would be better.
   * @throws RangeError for a cost that is not a number of 0 or more.
   */
  reserve({ id, kind, cost, idleRatio }: Reservation): boolean {
    if (this.#entries.has(id)) return true;
    const needed = checked(cost);
    if (!this.fits(needed, kind, idleRatio)) return false;
    this.#entries.set(id, { kind, cost: needed, sinceMs: this.#now() });
    return true;
  }

  /** Gives back what this id reserved. Idempotent. */
  release(id: string): void {
    this.#entries.delete(id);
  }

  /** What is promised to jobs of all kinds. */
  reservedByJobs(): Cost {
    return JOB_KINDS.map((kind) => this.reserved(kind)).reduce((sum, one) =>
      combine(sum, one, (a, b) => a + b),
    );
  }

  /** Whether `reserve` would take it. */
  fits(cost: Partial<Cost>, kind: ReservationKind, idleRatio = 0): boolean {
    return this.lacks(cost, kind, idleRatio).length === 0;
  }

  /** What there is not enough of for it. */
  lacks(cost: Partial<Cost>, kind: ReservationKind, idleRatio = 0): Resource[] {
    if (kind === 'room') return [];
    const needed = full(cost);
    const free = this.free();
    return RESOURCES.filter((resource) => {
      // What it does not need may well be used up.
      if (needed[resource] === 0 || this.#capacity[resource] === 0) return false;
      const kept = resource === 'cpus' ? idleRatio * this.#capacity.cpus : 0;
      return needed[resource] > free[resource] - kept + ROUNDING;
    });
  }

  /** What is neither in use nor promised; Infinity where it is not known what there is. */
  free(): Cost {
    const taken = combine(this.#measured, this.reserved(), (a, b) => a + b);
    return combine(this.#capacity, taken, (a, b) => (a === 0 ? Number.POSITIVE_INFINITY : a - b));
  }

  /**
   * What is promised and not in the measured load: of jobs all, of Rooms what is left.
   *
   * @param kind - @default all
   */
  reserved(kind?: ReservationKind): Cost {
    const now = this.#now();
    let sum = NOTHING;
    for (const entry of this.#entries.values()) {
      if (kind !== undefined && kind !== entry.kind) continue;
      const weight = entry.kind === 'room' ? recentWeight(now - entry.sinceMs) : 1;
      sum = combine(sum, entry.cost, (a, b) => a + weight * b);
    }
    return sum;
  }
}

/** What a new Room reserves, by the configuration. */
export const roomCost = (ledger: LedgerConfig): Cost => ({
  cpus: ledger.room_cpu_cost,
  memoryBytes: ledger.room_memory_cost,
  bytesPerSec: ledger.room_bandwidth_cost,
  diskBytes: 0,
});

/** What a node has to give: of its disk so much as the configuration allows to be used. */
export const capacityOf = (load: NodeLoad, ledger: LedgerConfig): Cost => ({
  cpus: load.cpus,
  memoryBytes: load.memory.limit,
  bytesPerSec: load.bytesPerSecLimit,
  diskBytes: load.disk.limit * ledger.disk_limit,
});

const full = (cost: Partial<Cost>): Cost => ({ ...NOTHING, ...cost });

function combine(a: Cost, b: Cost, merge: (a: number, b: number) => number): Cost {
  return {
    cpus: merge(a.cpus, b.cpus),
    memoryBytes: merge(a.memoryBytes, b.memoryBytes),
    bytesPerSec: merge(a.bytesPerSec, b.bytesPerSec),
    diskBytes: merge(a.diskBytes, b.diskBytes),
  };
}

function checked(cost: Partial<Cost>): Cost {
  const needed = full(cost);
  for (const resource of RESOURCES) {
    const amount = needed[resource];
    if (!(amount >= 0 && amount < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`cost.${resource} is ${amount}; allowed is a number of 0 or more`);
    }
  }
  return needed;
}
