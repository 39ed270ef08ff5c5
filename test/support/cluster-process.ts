import { type ChildProcess, spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until, within } from './wait';

const REPOSITORY = join(__dirname, '..', '..');
const MAIN = join(REPOSITORY, 'node-image', 'lifecycle', 'main.ts');

export interface NodeProcessOptions {
  /** For messages: "media 1". */
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** Put before the command, such as what enters a network namespace. @default none */
  readonly prefix?: readonly string[];
  /** Over the environment of the test. @default none */
  readonly env?: Readonly<Record<string, string>>;
}

/** One run of a node's program. */
export class NodeProcess {
  readonly #options: NodeProcessOptions;
  readonly #child: ChildProcess;
  readonly #killAtExit = (): void => {
    for (const pid of [this.pid, ...this.#frozen]) tryKill(pid, 'SIGKILL');
  };
  #frozen: readonly number[] = [];
  #log = '';
  #taken = 0;
  #end: string | undefined;

  constructor(options: NodeProcessOptions) {
    const { prefix = [], config, env = {} } = options;
    this.#options = options;
    // JSON is YAML too; by the environment, since other users see arguments.
    const [command = '', ...args] = [...prefix, process.execPath, '--import', 'tsx', MAIN];
    this.#child = spawn(command, args, {
      cwd: REPOSITORY,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env, SLUICE_CONFIG: JSON.stringify(config) },
    });
    const keep = (chunk: Buffer): void => {
      this.#log += chunk.toString();
    };
    this.#child.stdout?.on('data', keep);
    this.#child.stderr?.on('data', keep);
    this.#child.once('error', (error) => {
      this.#end = `could not be started: ${error.message}`;
    });
    this.#child.once('exit', (code, signal) => {
      this.#end ??= `ended with ${signal ?? `exit code ${code}`}`;
      process.removeListener('exit', this.#killAtExit);
    });
    // A test process that dies must not leave a node behind.
    process.once('exit', this.#killAtExit);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** How it ended; undefined: it runs. */
  get end(): string | undefined {
    return this.#end;
  }

  /** The id that the node gave itself. Empty until it has said so. */
  get nodeId(): string {
    return /"node_id":"(ND_[^"]+)"/.exec(this.#log)?.[1] ?? '';
  }

  /** All that it has written. */
  get log(): string {
    return this.#log;
  }

  /** What it wrote since the last call. */
  takeLog(): string {
    const text = this.#log.slice(this.#taken);
    this.#taken = this.#log.length;
    return text;
  }

  /** @throws Error with its log when it ends, or does not serve in time. */
  async serving(timeoutMs = 20_000): Promise<void> {
    const { name } = this.#options;
    await until(
      `${name} to serve`,
      () => {
        if (this.#end !== undefined) throw new Error(`${name} ${this.#end}\n${this.#log}`);
        return this.#log.includes('"msg":"serving"');
      },
      { timeoutMs, intervalMs: 20, explain: () => this.#log },
    );
  }

  /** Sends a signal to the node alone. */
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits until it has ended. */
  async ended(timeoutMs = 15_000): Promise<void> {
    if (this.#end !== undefined) return;
    const exit = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    await within(`${this.#options.name} to end`, exit, timeoutMs);
  }

  /** Stops it and its workers where they are, as a machine does that hangs. @returns ends that. */
  async freeze(): Promise<() => void> {
    const pids = [this.pid, ...(await descendants(this.pid))];
    this.#frozen = pids;
    for (const pid of pids) tryKill(pid, 'SIGSTOP');
    return () => {
      this.#frozen = [];
      for (const pid of pids.toReversed()) tryKill(pid, 'SIGCONT');
    };
  }

  /** Kills it, and its workers where they are frozen. Idempotent. */
  async close(): Promise<void> {
    for (const pid of this.#frozen) tryKill(pid, 'SIGKILL');
    this.#frozen = [];
    if (this.#end !== undefined) return;
    this.#child.kill('SIGKILL');
    await this.ended();
  }
}

function tryKill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

async function descendants(pid: number): Promise<number[]> {
  const tasks = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lists = await Promise.all(
    tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, 'utf8').catch(() => '')),
  );
  const direct = lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number));
  return [...direct, ...(await Promise.all(direct.map(descendants))).flat()];
}
