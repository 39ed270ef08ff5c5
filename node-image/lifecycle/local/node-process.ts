import type { LogLevel } from '../../contract';
import { ChildLog } from './child-log';
import { SupervisedProcess } from './supervised-process';

/** How to start a node: a command that takes `--config FILE` at its end. */
export interface NodeProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

export interface NodeProcessOptions {
  /** For people: "master", "media-1". */
  readonly name: string;
  readonly program: NodeProgram;
  readonly configFile: string;
  /** The lowest level of its log that is shown. */
  readonly level: LogLevel;
  readonly print: (line: string) => void;
}

/** How long names are made, so that what the nodes say begins in one column. */
const NAME_WIDTH = 8;
/** What a node logs when clients can use it. */
const SERVING = 'serving';

/** A node of a local cluster: a process that is started again when it dies. */
export class NodeProcess {
  readonly #process: SupervisedProcess;
  readonly #log: ChildLog;
  readonly #name: string;
  #serving = false;
  #deaths = 0;
  #stopped = false;
  #wakers: (() => void)[] = [];

  constructor(options: NodeProcessOptions) {
    const { name, program, configFile, level, print } = options;
    this.#name = name;
    this.#log = new ChildLog({
      name,
      width: NAME_WIDTH,
      level,
      print,
      onEntry: ({ msg }) => {
        if (msg === SERVING) {
          this.#serving = true;
          this.#wake();
        }
      },
    });
    this.#process = new SupervisedProcess({
      name,
      command: program.command,
      args: [...program.args, '--config', configFile],
      env: program.env,
      onLine: (line) => this.#log.line(line),
      onDeath: (how, againInMs) => {
        this.#serving = false;
        this.#deaths += 1;
        print(`${name.padEnd(NAME_WIDTH)}  ${how}; it is started again in ${againInMs / 1000} s`);
        this.#wake();
      },
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  isServing(): boolean {
    return this.#serving;
  }

  /**
   * Resolves when it serves for the first time.
   *
   * @throws NodeStartError when it died before that, or time is up.
   */
  async whenServing(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!this.#serving) {
      if (this.#stopped) {
        throw new NodeStartError(`${this.#name} was stopped before it served`);
      }
      if (this.#deaths > 0) {
        throw new NodeStartError(`${this.#name} could not be started:\n${this.#log.last}`);
      }
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) {
        const seconds = Math.round(timeoutMs / 1000);
        throw new NodeStartError(
          `${this.#name} does not serve after ${seconds} s:\n${this.#log.last}`,
        );
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wakers.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** Ends it in order, as when its machine is taken away: killed when that takes longer. */
  async stop(patienceMs: number): Promise<void> {
    this.#end();
    await this.#process.stop('SIGTERM', patienceMs);
  }

  /** Ends it quietly, with those it serves: killed when that takes longer. */
  async stopNow(patienceMs: number): Promise<void> {
    this.#log.silence();
    this.#end();
    await this.#process.stop(patienceMs === 0 ? 'SIGKILL' : 'SIGINT', patienceMs);
  }

  #end(): void {
    this.#stopped = true;
    this.#serving = false;
    this.#wake();
  }

  #wake(): void {
    const wakers = this.#wakers;
    this.#wakers = [];
    for (const wake of wakers) {
      wake();
    }
  }
}

/** A node of the cluster does not come up. The text, with its last lines, is for people. */
export class NodeStartError extends Error {
  override readonly name = 'NodeStartError';
}
