import { type AdminClient, AdminClientError } from '../api/cluster/admin-client';
import type { NodesView, NodeView } from '../cluster/admin-views';
import type { DrainOrder, DrainProgress } from '../cluster/node-record';
import { EXIT_UNREACHABLE } from '../lifecycle/exit-codes';
import { CliError, type CliIo } from './io';
import { leftInWords } from './left';
import { printable } from './table';
import { counted, spanInWords } from './words';

/**
 * How a drain ended. `drained`: empty in time. `forced`: empty, but what was left at the deadline was
 * ended. `overdue`: the deadline has passed, and it waits on. `cancelled`: it serves again. `lost`: it
 * went away with Rooms on it.
 */
export type DrainOutcome = 'drained' | 'forced' | 'overdue' | 'cancelled' | 'lost';

export interface DrainEnd {
  readonly outcome: DrainOutcome;
  /** Rooms that were moved to other nodes, as last heard of. */
  readonly roomsMoved: number;
  /** Rooms that were there when it was last heard of. */
  readonly roomsLeft: number;
  /** Jobs that were there then, as `DrainProgress` has them. @default - none */
  readonly jobsLeft?: DrainProgress['jobsLeft'];
  readonly jobsLeftByKind?: DrainProgress['jobsLeftByKind'];
}

export interface DrainWaitOptions {
  readonly client: Pick<AdminClient, 'nodes' | 'rooms'>;
  readonly nodeId: string;
  readonly order: DrainOrder;
  readonly io: CliIo;
}

const POLL_MS = 1000;
/** A Master Node may start anew meanwhile; then nobody answers for a while. */
const PATIENCE_MS = 30_000;

/**
 * Watches a drain until it has ended, and tells how far it is.
 *
 * @throws CliError where the cluster is not reached any more
 */
export async function waitForDrain(options: DrainWaitOptions): Promise<DrainEnd> {
  const { nodeId, io } = options;
  const progress = new Progress(io);
  let seen: NodeView | undefined;
  let wasOverdue = false;
  try {
    for (;;) {
      const view = await reach(options, () => options.client.nodes());
      const node = view.nodes.find(({ id }) => id === nodeId);
      if (node === undefined) {
        return await endOfGone(options, seen, wasOverdue);
      }
      seen = node;
      wasOverdue ||= node.record.drain?.overdue === true;
      const end = endOf(node, view, wasOverdue);
      if (end !== undefined) {
        return { outcome: end, ...countsOf(node) };
      }
      progress.tell(node, view.nowMs);
      await io.sleep(POLL_MS);
    }
  } finally {
    progress.end();
  }
}

function endOf(
  { state, stale, order, record }: NodeView,
  { nowMs }: NodesView,
  wasOverdue: boolean,
): DrainOutcome | undefined {
  if (state === 'drained') {
    return wasOverdue && order?.onDeadline !== 'keep' ? 'forced' : 'drained';
  }
  if (order === undefined && state === 'serving' && !stale) {
    return 'cancelled';
  }
  const isKept = order?.onDeadline === 'keep' && nowMs > order.deadlineMs;
  return isKept && record.drain?.overdue === true ? 'overdue' : undefined;
}

/** A node that is empty goes; one with Rooms on it was lost. */
async function endOfGone(
  options: DrainWaitOptions,
  seen: NodeView | undefined,
  wasOverdue: boolean,
): Promise<DrainEnd> {
  const rooms = await reach(options, () => options.client.rooms());
  const left = rooms.filter(({ nodeId }) => nodeId === options.nodeId).length;
  const outcome = left > 0 ? 'lost' : wasOverdue ? 'forced' : 'drained';
  return { outcome, roomsMoved: seen?.record.drain?.roomsMoved ?? 0, roomsLeft: left };
}

const countsOf = ({ rooms, record }: NodeView) => ({
  roomsMoved: record.drain?.roomsMoved ?? 0,
  roomsLeft: record.drain?.roomsLeft ?? rooms,
  jobsLeft: record.drain?.jobsLeft,
  jobsLeftByKind: record.drain?.jobsLeftByKind,
});

/** Asks until somebody answers, for a while. */
async function reach<T>({ io, nodeId }: DrainWaitOptions, ask: () => Promise<T>): Promise<T> {
  const untilMs = io.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const mayPass =
        error instanceof AdminClientError && (error.status === 0 || error.status >= 500);
      if (!mayPass) {
        throw error;
      }
      if (io.now() >= untilMs) {
        throw new CliError(
          EXIT_UNREACHABLE,
          `${error.message} The drain of ${nodeId} goes on by itself: sluice nodes says how far it is.`,
        );
      }
      await io.sleep(POLL_MS);
    }
  }
}

/** One line that is written over at a terminal, else a line for each change. */
class Progress {
  readonly #io: CliIo;
  #last = '';

  constructor(io: CliIo) {
    this.#io = io;
  }

  tell(node: NodeView, nowMs: number): void {
    const { isTerminal, columns, printError } = this.#io;
    const [what, time] = progressInWords(node, nowMs);
    if (isTerminal) {
      const line = `${what}; ${time}`;
      // Wrapped, it could not be written over.
      const short = line.length >= columns ? `${line.slice(0, columns - 4)}...` : line;
      this.#last = short;
      printError(`\r\u001b[2K${short}`);
    } else if (what !== this.#last) {
      this.#last = what;
      printError(`${what}; ${time}\n`);
    }
  }

  end(): void {
    if (this.#io.isTerminal && this.#last !== '') {
      this.#io.printError('\r\u001b[2K');
    }
  }
}

/** What is left, which changes, and how long, which always does. */
function progressInWords({ id, rooms, record, order }: NodeView, nowMs: number): [string, string] {
  const { drain } = record;
  const left = (
    drain === undefined
      ? [counted(rooms, 'Room'), counted(record.load.clients, 'participant')]
      : leftInWords(drain)
  ).join(', ');
  const obstacle = drain === undefined || drain.obstacle === '' ? '' : ` (${drain.obstacle})`;
  return [printable(`${id}: ${left} left${obstacle}`), timeInWords(order, nowMs)];
}

function timeInWords(order: DrainOrder | undefined, nowMs: number): string {
  if (order === undefined) {
    return 'leaving';
  }
  const { patienceUntilMs, deadlineMs, onDeadline } = order;
  if (nowMs >= deadlineMs) {
    return onDeadline === 'force' ? 'the deadline has passed, ending them' : 'past the deadline';
  }
  const left = `${spanInWords(deadlineMs - nowMs)} until the deadline`;
  return nowMs < patienceUntilMs
    ? `${left}, moved in ${spanInWords(patienceUntilMs - nowMs)}`
    : `${left}, being moved`;
}
