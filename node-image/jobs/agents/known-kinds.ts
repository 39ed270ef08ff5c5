import { JobType } from '@livekit/protocol';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Registry } from '../../cluster/registry';
import { type AgentKind, kindKey } from './agent-kind';

/** The document of the registry that says which kinds of workers there are. */
const AGENTS_DOCUMENT = 'agents';
/** A kind of which no worker was seen for so long is forgotten, in ms. */
const FORGET_MS = 60 * 60_000;
/** A worker that stays is told of again after so long, in ms. */
const AGAIN_MS = 10 * 60_000;
/** Changes are told as they happen; one that was missed is found out so often, in ms. */
const LOOK_MS = 10_000;
/** So many kinds are remembered: the newest. */
const MAX_KINDS = 1000;
const ATTEMPTS = 10;

const schema = z.array(
  z.object({
    type: z.enum(JobType),
    agentName: z.string(),
    deployment: z.string(),
    seenAtMs: z.number(),
  }),
);
type Seen = z.infer<typeof schema>[number];

export interface KnownKindsOptions {
  readonly registry: Pick<Registry, 'document' | 'writeDocument' | 'onEvent'>;
  readonly log: Pick<Logger, 'warn'>;
  /** @default Date.now */
  readonly now?: () => number;
  /** @default 10000 */
  readonly lookMs?: number;
}

/**
 * Which kinds of agent workers a cluster has, or has had within the last hour. Workers are on Master
 * Nodes, and Rooms are not: by this a Room knows for what jobs are worth making, and where a cluster
 * has no agents, none are.
 */
export class KnownKinds {
  readonly #options: KnownKindsOptions;
  readonly #listeners = new Set<(added: readonly AgentKind[]) => void>();
  readonly #timer: NodeJS.Timeout;
  readonly #deaf: () => void;
  #seen = new Map<string, Seen>();
  #looking: Promise<void> | undefined;
  /** What is being read may be older than what was told since. */
  #again = false;
  #writing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: KnownKindsOptions) {
    this.#options = options;
    this.#deaf = options.registry.onEvent((event) => {
      if (event.type === 'document' && event.name === AGENTS_DOCUMENT) void this.look();
    });
    this.#timer = setInterval(() => void this.look(), options.lookMs ?? LOOK_MS);
  }

  /** Whether there is a worker of this kind, or was one lately. */
  has(kind: AgentKind): boolean {
    return this.#isFresh(this.#seen.get(kindKey(kind)));
  }

  /** Whether there is any kind at all. */
  get any(): boolean {
    return [...this.#seen.values()].some((one) => this.#isFresh(one));
  }

  /** Told of kinds that were not known before. @returns ends it */
  onAdded(listener: (added: readonly AgentKind[]) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Looks what there is now. Never rejects. */
  look(): Promise<void> {
    if (this.#looking !== undefined) {
      this.#again = true;
      return this.#looking;
    }
    this.#looking = this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** Tells all nodes that there is a worker of this kind: when it comes, and while it stays. Never rejects. */
  announce(kind: AgentKind): Promise<void> {
    if (this.#isTold(kind)) return Promise.resolve();
    this.#writing = this.#writing.then(() => this.#write(kind));
    return this.#writing;
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#deaf();
    this.#listeners.clear();
  }

  async #look(): Promise<void> {
    do {
      this.#again = false;
      try {
        const document = await this.#options.registry.document(AGENTS_DOCUMENT);
        this.#take(this.#parse(document?.value));
      } catch {
        // What was known stays, and is looked at again.
      }
    } while (this.#again && !this.#closed);
  }

  #isTold(kind: AgentKind): boolean {
    const known = this.#seen.get(kindKey(kind));
    return known !== undefined && this.#now() - known.seenAtMs < AGAIN_MS;
  }

  async #write(kind: AgentKind): Promise<void> {
    const { registry, log } = this.#options;
    // Of many that come at the same time, the first has told of all.
    if (this.#isTold(kind)) return;
    try {
      for (let attempt = 1; attempt <= ATTEMPTS && !this.#closed; attempt += 1) {
        const document = await registry.document(AGENTS_DOCUMENT);
        const seen = this.#parse(document?.value).filter((one) => this.#isFresh(one));
        const others = seen.filter((one) => kindKey(one) !== kindKey(kind));
        const { type, agentName, deployment } = kind;
        const next = [...others, { type, agentName, deployment, seenAtMs: this.#now() }].slice(
          -MAX_KINDS,
        );
        const value = JSON.stringify(next);
        if (await registry.writeDocument(AGENTS_DOCUMENT, value, document?.version ?? 0)) {
          this.#take(next);
          return;
        }
      }
    } catch (error) {
      // It is announced again, as often as it is looked whether it is known.
      log.warn(
        { err: error, agentName: kind.agentName },
        'a kind of agent workers is not told of yet',
      );
    }
  }

  #take(all: readonly Seen[]): void {
    if (this.#closed) return;
    const added = all.filter((one) => this.#isFresh(one) && !this.has(one));
    this.#seen = new Map(all.map((one) => [kindKey(one), one]));
    if (added.length > 0) {
      for (const listener of [...this.#listeners]) listener(added);
    }
  }

  #parse(value: string | undefined): Seen[] {
    try {
      const read = schema.safeParse(JSON.parse(value ?? '[]'));
      return read.success ? read.data : [];
    } catch {
      return [];
    }
  }

  #isFresh(seen: Seen | undefined): boolean {
    return seen !== undefined && this.#now() - seen.seenAtMs < FORGET_MS;
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }
}
