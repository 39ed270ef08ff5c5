import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';

/** How often it is looked whether a container still runs, ms. */
const LOOK_MS = 1000;
/** What is wanted is said again after this, ms: who carries it out may have been at work just then. */
const AGAIN_MS = 10_000;
/** `sluice boot` and the units keep to it. */
export const AGENTS_FOLDER = '/run/sluice/agents';

/** What is wanted of a container: the words that image/bin/agents-order knows. */
type Wanted = 'serve' | 'drain' | 'kill';

/** Of one of the containers of a worker, as `sluice boot` and the units know it too: "greeter-1". */
export const containerName = ({ name }: { readonly name: string }, index: number): string =>
  `${name}-${index + 1}`;

export interface AgentUnitsOptions {
  readonly log: Logger;
  /** @default /run/sluice/agents */
  readonly folder?: string | undefined;
  /** @default 1000 */
  readonly lookMs?: number | undefined;
}

/**
 * The containers of agents on the machine of a node, which systemd runs by Podman. The node may start
 * and stop none of them, and writes down what it wants of each.
 */
export class AgentUnits {
  readonly #options: AgentUnitsOptions;
  readonly #folder: string;
  readonly #wanted = new Map<string, Wanted>();
  #timer: NodeJS.Timeout | undefined;
  #hasFailed = false;
  #isClosed = false;

  constructor(options: AgentUnitsOptions) {
    this.#options = options;
    this.#folder = options.folder ?? AGENTS_FOLDER;
  }

  /** @param name - of the container: "greeter-1" */
  start(name: string, onChange: (isRunning: boolean) => void): AgentContainer {
    return new AgentContainer(this, name, this.#options.lookMs ?? LOOK_MS, onChange);
  }

  /** systemd makes this folder when it starts one, and takes it away when it has ended. */
  isRunning(name: string): boolean {
    return existsSync(`${this.#folder}/running/${name}`);
  }

  want(name: string, wanted: Wanted): void {
    if (this.#isClosed || this.#wanted.get(name) === wanted) return;
    this.#wanted.set(name, wanted);
    this.#say();
    this.#timer ??= setInterval(() => this.#say(), AGAIN_MS);
  }

  /** Says nothing more. Idempotent. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
  }

  #say(): void {
    const lines = [...this.#wanted].map(([name, wanted]) => `${name} ${wanted}\n`);
    try {
      writeFileSync(`${this.#folder}/order/wanted`, lines.join(''));
      this.#hasFailed = false;
    } catch (err) {
      if (!this.#hasFailed) {
        this.#options.log.error(
          { err },
          'containers of agents on this machine cannot be started and stopped: units of `install.sh` run them, and `sluice boot` prepares that',
        );
      }
      this.#hasFailed = true;
    }
  }
}

/** One that is to run until it is told to stop; systemd starts it again when it dies. */
export class AgentContainer {
  readonly #units: AgentUnits;
  readonly #name: string;
  readonly #lookMs: number;
  readonly #timer: NodeJS.Timeout;
  #killAtMs = Number.POSITIVE_INFINITY;
  #ended: Promise<boolean> | undefined;

  constructor(
    units: AgentUnits,
    name: string,
    lookMs: number,
    onChange: (isRunning: boolean) => void,
  ) {
    this.#units = units;
    this.#name = name;
    this.#lookMs = lookMs;
    units.want(name, 'serve');
    let isRunning = false;
    this.#timer = setInterval(() => {
      if (units.isRunning(name) === isRunning) return;
      isRunning = !isRunning;
      onChange(isRunning);
    }, lookMs);
  }

  /** It is none of this user's: what it uses is not told apart. */
  readonly pid = undefined;

  /**
   * Ends it, hard when it takes longer than that. May be called again: then the earlier of both times
   * counts.
   *
   * @returns whether it ended by itself.
   */
  stop(ask: 'SIGTERM' | 'SIGKILL', patienceMs: number): Promise<boolean> {
    clearInterval(this.#timer);
    const killAtMs = performance.now() + (ask === 'SIGKILL' ? 0 : patienceMs);
    this.#killAtMs = Math.min(this.#killAtMs, killAtMs);
    this.#look();
    this.#ended ??= this.#end();
    return this.#ended;
  }

  #look(): void {
    this.#units.want(this.#name, performance.now() >= this.#killAtMs ? 'kill' : 'drain');
  }

  async #end(): Promise<boolean> {
    while (this.#units.isRunning(this.#name)) {
      await sleep(this.#lookMs);
      this.#look();
    }
    return performance.now() < this.#killAtMs;
  }
}
