import type { Usage } from '../cluster/node-record';
import { type DescriptorLimits, readDescriptors } from '../telemetry/descriptors';

/** Files that a node has open with nobody there: listeners, Redis, logs, the program itself. */
const BASE_DESCRIPTORS = 256;
/** Pipes to a worker, and its port for TCP. */
const DESCRIPTORS_PER_WORKER = 16;
/** What one worker carries at most, on one core. */
const CLIENTS_PER_WORKER = 1000;
/** A client's connection, and on a Master Node the one to the Media Node behind it. */
const DESCRIPTORS_PER_CLIENT = 2;
/** Above this share of the descriptors nobody new is let in. */
const FULL_SHARE = 0.9;
/** So long one look at the descriptors holds, ms. */
const LOOK_MS = 1000;

/** File descriptors that a node of this size comes to need. */
export const neededDescriptors = (workers: number): number =>
  BASE_DESCRIPTORS +
  workers * (DESCRIPTORS_PER_WORKER + CLIENTS_PER_WORKER * DESCRIPTORS_PER_CLIENT);

/**
 * Whether a node of this size has file descriptors enough.
 *
 * Node.js raises the soft limit of its process to the hard one as it starts, and the media workers
 * inherit that, so that the soft one is all there is. A test holds Node.js to it.
 *
 * @param limits - from `readDescriptorLimits`
 * @returns a warning for people; undefined where there are enough, or it is not known.
 */
export function descriptorWarning(limits: DescriptorLimits, workers: number): string | undefined {
  const needed = neededDescriptors(workers);
  if (limits.soft === 0 || limits.soft >= needed) return undefined;
  return (
    `this process may have ${limits.soft} files open, and ${workers} media workers with all clients ` +
    `that they can carry need about ${needed}: clients are refused before that; raise the limit, ` +
    'with LimitNOFILE= in systemd, --ulimit nofile= of a container, or ulimit -n in a shell'
  );
}

export interface DescriptorGateOptions {
  /** @default - of this process, from Linux */
  readonly read?: () => Usage;
  /** Monotonic, in ms. @default performance.now */
  readonly now?: () => number;
}

/**
 * Whether so few file descriptors are left that nobody new may come in: refusing needs one too, and
 * without any left even those who are in lose what they have.
 */
export class DescriptorGate {
  readonly #read: () => Usage;
  readonly #now: () => number;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #left = 0;

  constructor({
    read = readDescriptors,
    now = () => performance.now(),
  }: DescriptorGateOptions = {}) {
    this.#read = read;
    this.#now = now;
  }

  /**
   * To be asked once for each client that wants in. Cheap: it looks at most once a second, and in
   * between takes each client for what one needs, so that a burst does not slip through.
   */
  isFull(): boolean {
    const now = this.#now();
    if (now - this.#lookedAtMs >= LOOK_MS) {
      const { used, limit } = this.#read();
      this.#left = limit > 0 ? limit * FULL_SHARE - used : Number.POSITIVE_INFINITY;
      this.#lookedAtMs = now;
    }
    if (this.#left < 0) return true;
    this.#left -= DESCRIPTORS_PER_CLIENT;
    return false;
  }
}
