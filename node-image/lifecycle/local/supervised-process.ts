import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface SupervisedProcessOptions {
  /** For people: "media-1". */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** @default that of this process */
  readonly folder?: string | undefined;
  /** Each line that it writes, to either output. */
  readonly onLine: (line: string) => void;
  /** It ended without being told to. It is started again after `againInMs`. */
  readonly onDeath: (how: string, againInMs: number) => void;
  /** First pause before it is started again; doubled with each death in a row. @default 500 */
  readonly backoffMs?: number;
}

const LONGEST_PAUSE_MS = 30_000;
/** A process that ran for so long has started well: the next pause is the shortest again, ms. */
const STABLE_MS = 30_000;

/**
 * A program that is started again when it dies, until it is told to stop.
 *
 * Its standard input is a pipe that nobody writes to: when this process is gone, however it ended,
 * the pipe closes, by which the program knows. It has a process group of its own, so that Ctrl-C at
 * the terminal does not reach it past this process.
 */
export class SupervisedProcess {
  readonly #options: SupervisedProcessOptions;
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #pause: NodeJS.Timeout | undefined;
  #deaths = 0;
  #stopping = false;

  constructor(options: SupervisedProcessOptions) {
    this.#options = options;
    this.#start();
  }

  get name(): string {
    return this.#options.name;
  }

  /** undefined while it does not run. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /**
   * Ends it, hard when it takes longer than that, and does not start it again. May be called again:
   * then the earlier of both times counts.
   *
   * @param ask - tells the program to end
   * @returns whether it ended by itself.
   */
  async stop(
    ask: NodeJS.Signals | 'end of input' | 'SIGKILL',
    patienceMs: number,
  ): Promise<boolean> {
    this.#stopping = true;
    clearTimeout(this.#pause);
    const child = this.#child;
    if (child === undefined) {
      return true;
    }
    if (ask === 'end of input') {
      child.stdin?.end();
    } else if (ask !== 'SIGKILL') {
      child.kill(ask);
    }
    let killed = false;
    const kill = (): void => {
      killed = true;
      killGroup(child);
    };
    const timer = setTimeout(kill, ask === 'SIGKILL' ? 0 : patienceMs);
    await this.#exited;
    clearTimeout(timer);
    return !killed;
  }

  #start(): void {
    const { command, args, env, folder, onLine } = this.#options;
    const startedAt = performance.now();
    const child = spawn(command, args, {
      env,
      cwd: folder,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.#child = child;
    // Writing to it is never meant, and it may be gone.
    child.stdin.on('error', () => {});
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', onLine);
    }
    this.#exited = new Promise((resolve) => {
      const ended = (how: string): void => {
        if (this.#child !== child) {
          return;
        }
        this.#child = undefined;
        child.stdin.destroy();
        resolve();
        this.#onEnd(how, performance.now() - startedAt);
      };
      child.once('error', (error) => ended(`cannot be started: ${error.message}`));
      // After it, not with it, comes what it wrote last: "close".
      child.once('exit', (code, signal) => {
        const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
        // Somebody else may still hold its output open.
        const last = setTimeout(() => ended(how), 200);
        child.once('close', () => {
          clearTimeout(last);
          ended(how);
        });
      });
    });
  }

  #onEnd(how: string, ranForMs: number): void {
    if (this.#stopping) {
      return;
    }
    this.#deaths = ranForMs >= STABLE_MS ? 1 : this.#deaths + 1;
    const { backoffMs = 500 } = this.#options;
    const againInMs = Math.min(backoffMs * 2 ** (this.#deaths - 1), LONGEST_PAUSE_MS);
    this.#pause = setTimeout(() => this.#start(), againInMs);
    this.#options.onDeath(how, againInMs);
  }
}

/** With what it has started, so that nothing is left. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) {
    return;
  }
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Gone by now.
  }
}
