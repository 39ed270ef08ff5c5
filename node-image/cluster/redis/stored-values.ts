import type { Logger } from 'pino';
import { z } from 'zod';
import type { DrainOrder, NodeRecord } from '../node-record';
import type { AuditEntry, ClusterEvent, RoomPlacement } from '../registry';

/** So many different complaints are remembered, so as not to be repeated. */
const COMPLAINTS = 1000;

const count = z.number().nonnegative();
const usage = z.object({ used: count, limit: count });

const load = z.object({
  cpus: count,
  cpuLoad: count,
  sysLoad: count,
  rooms: count,
  clients: count,
  tracksIn: count,
  tracksOut: count,
  bytesPerSec: count,
  bytesPerSecLimit: count,
  descriptors: usage,
  disk: usage,
  memory: usage,
  turnAllocations: count,
  relayedBy: z.record(z.string(), count).optional(),
  reservedCpus: count,
  limitReached: z.boolean(),
  jobs: z
    .object({
      kinds: z.array(z.string()),
      freeCpus: z.number(),
      lacks: z.object({ media: z.array(z.string()), page: z.array(z.string()) }).optional(),
      egress: count,
      ingress: count,
    })
    .optional(),
  refusedCpus: count.optional(),
  unplacedRooms: count.optional(),
  agents: z
    .object({
      workers: z.array(
        z.object({
          id: z.string(),
          type: z.number(),
          agentName: z.string(),
          deployment: z.string(),
          load: z.number(),
          whyNot: z.string().optional(),
        }),
      ),
      more: count,
    })
    .optional(),
});

const drainProgress = z.object({
  orderId: z.string(),
  roomsLeft: count,
  participantsLeft: count,
  turnAllocationsLeft: count,
  jobsLeft: count.optional(),
  // Kinds of a younger version are counted too.
  jobsLeftByKind: z.record(z.string(), count).optional(),
  roomsMoved: count,
  obstacle: z.string(),
  overdue: z.boolean(),
});

const recordSchema = z.object({
  id: z.string(),
  role: z.enum(['single', 'master', 'media']),
  state: z.enum(['starting', 'serving', 'draining', 'drained']),
  version: z.string(),
  linkProtocol: z.number(),
  link: z.object({ host: z.string(), port: z.number() }).optional(),
  mediaAddresses: z.array(z.string()).optional(),
  relay: z
    .object({ addresses: z.array(z.string()), portStart: z.number(), portEnd: z.number() })
    .optional(),
  turnTls: z.object({ host: z.string(), port: z.number() }).optional(),
  machineId: z.string(),
  region: z.string(),
  configVersion: z.number(),
  startedAtMs: z.number(),
  load,
  drain: drainProgress.optional(),
}) satisfies z.ZodType<NodeRecord>;

/** The record of this node, and of no other. */
export const recordOf = (id: string): z.ZodType<NodeRecord> =>
  recordSchema.refine((record) => record.id === id, { error: 'it is the record of another node' });

export const orderSchema = z.object({
  id: z.string(),
  reason: z.string(),
  patienceUntilMs: z.number(),
  deadlineMs: z.number(),
  onDeadline: z.enum(['force', 'keep']),
  afterwards: z.literal('restart').optional(),
  final: z.string().optional(),
}) satisfies z.ZodType<DrainOrder>;

export const placementSchema = z.object({
  nodeId: z.string(),
  epoch: z.number().int().nonnegative().lt(1e14),
  movedFrom: z.string().optional(),
}) satisfies z.ZodType<Omit<RoomPlacement, 'room'>>;

export const recentSchema = z.tuple([z.string(), z.string()]);

export const auditSchema = z.object({
  atMs: z.number(),
  by: z.string(),
  text: z.string(),
}) satisfies z.ZodType<AuditEntry>;

export const eventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('node'), nodeId: z.string() }),
  z.object({ type: z.literal('room'), room: z.string() }),
  z.object({ type: z.literal('document'), name: z.string() }),
]) satisfies z.ZodType<ClusterEvent>;

/** Reads what others have written into Redis. What cannot be read counts as missing. */
export class StoredValues {
  readonly #log: Logger;
  readonly #complaints = new Set<string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** @param where - key, and field of the key */
  read<T>(schema: z.ZodType<T>, where: string, text: unknown): T | undefined {
    if (text === null || text === undefined) return undefined;
    try {
      const read = schema.parse(JSON.parse(String(text)));
      this.#complaints.delete(where);
      return read;
    } catch (error) {
      this.complain(where, problemOf(error));
      return undefined;
    }
  }

  /** Tells the log, once until it is in order again. */
  complain(where: string, problem: string): void {
    if (this.#complaints.has(where)) return;
    if (this.#complaints.size >= COMPLAINTS) this.#complaints.clear();
    this.#complaints.add(where);
    this.report(where, problem);
  }

  /** Tells the log. */
  report(where: string, problem: string): void {
    this.#log.error(
      { key: where, problem },
      'Redis holds something that this version cannot read; it counts as missing',
    );
  }
}

const problemOf = (error: unknown): string =>
  error instanceof z.ZodError
    ? z.prettifyError(error)
    : error instanceof Error
      ? error.message
      : String(error);

/** [name, value, name, value...] as Redis gives it, to pairs; nothing where it is no list. */
export function pairs(list: unknown): [string, string][] {
  if (!Array.isArray(list)) return [];
  return Array.from({ length: Math.floor(list.length / 2) }, (_, i) => [
    String(list[2 * i]),
    String(list[2 * i + 1]),
  ]);
}
