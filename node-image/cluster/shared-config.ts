import type { Logger } from 'pino';
import { z } from 'zod';
import { isStale, type RegisteredNode, stateOf } from './node-record';
import type { Registry } from './registry';

/** The document of the registry that the announced configuration is in. */
export const CONFIG_DOCUMENT = 'config';
/** Where the leader says how its roll goes, for people. */
export const ROLL_DOCUMENT = 'roll';

/** A configuration that a running cluster has announced to its nodes. */
export interface AnnouncedConfig {
  /** As it was given, comments and all. */
  readonly yaml: string;
  /** Higher with each; a node says in its record which one it started with. */
  readonly version: number;
  /** By the registry's clock, ms since 1970. */
  readonly announcedAtMs: number;
}

const announcedSchema = z.object({
  yaml: z.string(),
  version: z.int().positive(),
  announcedAtMs: z.number(),
});

const rollSchema = z.object({ version: z.int(), waits: z.string().optional() });

/** How the roll of a configuration goes. */
export interface RollNote {
  /** Of the configuration. */
  readonly version: number;
  /** Why it does not go on now; undefined: it does. */
  readonly waits?: string | undefined;
}

export interface SharedConfigOptions {
  readonly registry: Pick<Registry, 'document' | 'writeDocument' | 'snapshot'>;
  readonly log: Pick<Logger, 'error'>;
}

/** Another configuration was announced at the same moment. */
export class ConfigOutdatedError extends Error {
  override readonly name = 'ConfigOutdatedError';
}

/** The configuration that the nodes of a cluster share, in the registry, readable: it has no secrets. */
export class SharedConfig {
  readonly #options: SharedConfigOptions;
  /** What was found to be no configuration: it is looked at again and again, and told once. */
  #unreadable: string | undefined;

  constructor(options: SharedConfigOptions) {
    this.#options = options;
  }

  /**
   * @returns undefined where none is announced, or what stands there is none (which is logged).
   * @throws RegistryUnavailableError
   */
  async read(): Promise<AnnouncedConfig | undefined> {
    const document = await this.#options.registry.document(CONFIG_DOCUMENT);
    return document === undefined ? undefined : this.#parse(document.value);
  }

  /**
   * Announces a configuration, which was checked before.
   *
   * @param replaces - version of the one that the author knows; undefined: whichever it is
   * @throws ConfigOutdatedError, RegistryUnavailableError
   */
  async announce(yaml: string, replaces?: number): Promise<AnnouncedConfig> {
    const { registry } = this.#options;
    const [document, snapshot] = await Promise.all([
      registry.document(CONFIG_DOCUMENT),
      registry.snapshot(),
    ]);
    const last = (document && this.#parse(document.value)?.version) ?? 0;
    if (replaces !== undefined && replaces !== last) {
      throw new ConfigOutdatedError(
        `Version ${last} of the configuration is announced by now, not ${replaces}. Look at it, and announce yours again.`,
      );
    }
    // Where the registry has lost the newest one, the nodes still say its version.
    const known = snapshot.nodes.map(({ record }) => Math.abs(record.configVersion));
    const announced: AnnouncedConfig = {
      yaml,
      version: Math.max(last, ...known) + 1,
      announcedAtMs: snapshot.nowMs,
    };
    const value = JSON.stringify(announced);
    const written = await registry.writeDocument(CONFIG_DOCUMENT, value, document?.version ?? 0);
    if (written === undefined) {
      throw new ConfigOutdatedError(
        'Somebody else announces a configuration at this moment. Look at it, and announce yours again.',
      );
    }
    return announced;
  }

  /** Tells the others how the roll goes. @throws RegistryUnavailableError */
  async noteRoll(note: RollNote): Promise<void> {
    const { registry } = this.#options;
    const document = await registry.document(ROLL_DOCUMENT);
    const value = JSON.stringify(note);
    if (document?.value !== value) {
      // Where another one writes at this moment, it leads, and knows better.
      await registry.writeDocument(ROLL_DOCUMENT, value, document?.version ?? 0);
    }
  }

  /**
   * How the roll goes, by who led last.
   *
   * @returns undefined where nobody has said, or not so that this version can read it.
   * @throws RegistryUnavailableError
   */
  async rollNote(): Promise<RollNote | undefined> {
    const document = await this.#options.registry.document(ROLL_DOCUMENT);
    try {
      return document && rollSchema.parse(JSON.parse(document.value));
    } catch {
      return undefined;
    }
  }

  #parse(text: string): AnnouncedConfig | undefined {
    try {
      const announced = announcedSchema.parse(JSON.parse(text));
      this.#unreadable = undefined;
      return announced;
    } catch (error) {
      if (this.#unreadable !== text) {
        this.#options.log.error(
          { err: error },
          'the configuration in the registry is none that this version can read; nodes go by their files',
        );
      }
      this.#unreadable = text;
      return undefined;
    }
  }
}

/**
 * What a node says in place of the version of a configuration that it could not load: it goes by its
 * own, and starting anew would not help.
 */
export const refusedVersion = (version: number): number => -version;

/** What is to be done next so that all nodes run with the announced configuration. */
export type RollStep =
  | { readonly step: 'done' }
  /** Not now. `why` is for people. */
  | { readonly step: 'wait'; readonly why: string }
  /**
   * Let this node leave and start anew. `isOnly`: no other node could take its Rooms, so that
   * another one has to be started first.
   */
  | { readonly step: 'roll'; readonly node: RegisteredNode; readonly isOnly: boolean };

/** `reason` of the orders to drain that a new configuration brings. */
export const ROLL_REASON = 'new configuration';
/** `reason` of the orders to drain that new machines bring: another image, another type. */
export const MACHINE_ROLL_REASON = 'new launch template';

export const isRollReason = (reason: string | undefined): boolean =>
  reason === ROLL_REASON || reason === MACHINE_ROLL_REASON;

export interface RollRequest {
  readonly nodes: readonly RegisteredNode[];
  /** Of the announced configuration; 0: none is announced. */
  readonly version: number;
  /** The node to leave for last: whoever asks. */
  readonly self?: string | undefined;
  /** Whether its machine is to be replaced by a newer one. @default - none is */
  readonly isOutdated?: ((node: RegisteredNode) => boolean) | undefined;
}

/**
 * The node that has to start anew next, as its configuration is older than what is announced: Media
 * Nodes first, the emptiest of them first, one at a time; then Master Nodes. Pure.
 */
export function nextToRoll({
  nodes,
  version,
  self,
  isOutdated = () => false,
}: RollRequest): RollStep {
  const old = nodes.filter((node) => !isOut(node) && (hasOlder(node, version) || isOutdated(node)));
  if (old.length === 0) {
    return { step: 'done' };
  }
  const busy = nodes.find((node) => !isOut(node) && (isStale(node) || stateOf(node) !== 'serving'));
  if (busy !== undefined) {
    const state = isStale(busy) ? 'silent' : stateOf(busy);
    return { step: 'wait', why: `node ${busy.record.id} is ${state}; one node changes at a time` };
  }
  const [node] = [...old].sort((one, other) => inOrder(one, other, self));
  if (node === undefined) {
    return { step: 'done' };
  }
  const others = nodes.filter(
    (other) =>
      other.record.role === node.record.role &&
      other.record.id !== node.record.id &&
      stateOf(other) === 'serving',
  );
  return { step: 'roll', node, isOnly: others.length === 0 };
}

const hasOlder = ({ record: { configVersion } }: RegisteredNode, version: number): boolean =>
  version > 0 && configVersion < version && configVersion !== refusedVersion(version);

/**
 * Emptied by somebody else, and may stay so for days: nothing is to wait for it. It has the new
 * configuration when it is started again, or is rolled when it serves again.
 */
const isOut = (node: RegisteredNode): boolean =>
  stateOf(node) === 'drained' && !isRollReason(node.order?.reason);

function inOrder(
  { record: one }: RegisteredNode,
  { record: other }: RegisteredNode,
  self: string | undefined,
): number {
  return (
    Number(one.role !== 'media') - Number(other.role !== 'media') ||
    Number(one.id === self) - Number(other.id === self) ||
    one.load.clients - other.load.clients ||
    one.load.rooms - other.load.rooms ||
    one.configVersion - other.configVersion ||
    (one.id < other.id ? -1 : 1)
  );
}
