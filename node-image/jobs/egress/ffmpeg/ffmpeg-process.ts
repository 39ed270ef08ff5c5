import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { tiedProgram } from '../tied-program';

/** How far it is. */
export interface FfmpegProgress {
  /** ms of what it has written. */
  readonly outTimeMs: number;
  readonly frames: number;
}

export interface FfmpegOptions {
  /** After `ffmpeg`; inputs in `pipes` are `pipe:4`, `pipe:5` and so on, `pipe:3` is taken. */
  readonly args: readonly string[];
  readonly cwd: string;
  /** All of its environment beside PATH. @default none */
  readonly env?: Readonly<Record<string, string>>;
  /** Read as fast as it reads. @default none */
  readonly pipes?: readonly Readable[];
  /** What it writes to `pipe:1`; it is never held back. */
  readonly onOutput?: (chunk: Buffer) => void;
  readonly onProgress?: (progress: FfmpegProgress) => void;
  /** ms from being told to end until it is killed. @default 20000 */
  readonly patienceMs?: number;
}

/** How it ended. */
export interface FfmpegEnd {
  /** Everything it was to write is written. */
  readonly complete: boolean;
  /** Its last lines, for people. */
  readonly error: string;
}

const LAST_LINES = 12;
const MAX_LINE = 500;
/** What ffmpeg exits with after a signal that it has obeyed. */
const EXIT_BY_SIGNAL = 255;

/** One ffmpeg, without a shell. What it is given on `stdin` is the key `q`, so that it ends in order. */
export class FfmpegProcess {
  readonly ended: Promise<FfmpegEnd>;
  readonly #child: ChildProcess;
  readonly #patienceMs: number;
  readonly #lines: string[] = [];
  #stopped = false;
  #killer: NodeJS.Timeout | undefined;

  constructor(options: FfmpegOptions) {
    const { args, cwd, env = {}, pipes = [], onOutput, onProgress, patienceMs = 20_000 } = options;
    this.#patienceMs = patienceMs;
    const common = ['-hide_banner', '-loglevel', 'warning', '-nostats'];
    this.#child = spawn(...tiedProgram('ffmpeg', [...common, '-progress', 'pipe:3', ...args]), {
      cwd,
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdio: [
        'pipe',
        onOutput ? 'pipe' : 'ignore',
        'pipe',
        'pipe',
        ...pipes.map(() => 'pipe' as const),
      ],
    });
    const child = this.#child;
    // Each of these breaks when it ends; that it did is said below.
    for (const stream of child.stdio) stream?.on('error', () => {});
    if (onOutput) child.stdout?.on('data', onOutput);
    if (child.stderr) {
      createInterface({ input: child.stderr }).on('line', (line) => this.#keep(line));
    }
    if (onProgress) readProgress(child.stdio[3] as Readable, onProgress);
    else (child.stdio[3] as Readable | null)?.resume();
    pipes.forEach((pipe, index) => {
      const into = child.stdio[4 + index];
      if (into instanceof Writable) pipeline(pipe, into).catch(() => {});
    });
    this.ended = this.#end();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Waits for it to end by itself, for so many ms. */
  async endsWithin(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([this.ended, late]);
    clearTimeout(timer);
  }

  /** Ends it in order, with what its outputs still need. Idempotent. */
  async stop(): Promise<FfmpegEnd> {
    if (!this.#stopped) {
      this.#stopped = true;
      this.#child.stdin?.write('q');
      this.#killer = setTimeout(() => this.#child.kill('SIGKILL'), this.#patienceMs);
    }
    return this.ended;
  }

  /** Ends it at once. Idempotent. */
  async kill(): Promise<FfmpegEnd> {
    this.#stopped = true;
    this.#child.kill('SIGKILL');
    return this.ended;
  }

  async #end(): Promise<FfmpegEnd> {
    try {
      const [code] = (await once(this.#child, 'close')) as [number | null];
      const complete = code === 0 || (this.#stopped && code === EXIT_BY_SIGNAL);
      return {
        complete,
        error: this.#lines.join('\n') || `ffmpeg ended with ${code ?? 'a signal'}`,
      };
    } catch (error) {
      // It could not be started at all.
      return { complete: false, error: error instanceof Error ? error.message : String(error) };
    } finally {
      clearTimeout(this.#killer);
    }
  }

  #keep(line: string): void {
    this.#lines.push(line.slice(0, MAX_LINE));
    if (this.#lines.length > LAST_LINES) this.#lines.shift();
  }
}

function readProgress(from: Readable, tell: (progress: FfmpegProgress) => void): void {
  let outTimeMs = 0;
  let frames = 0;
  createInterface({ input: from }).on('line', (line) => {
    const [key = '', value = ''] = line.split('=', 2);
    const number = Number(value);
    if (key === 'frame' && Number.isFinite(number)) frames = number;
    // Named for microseconds twice; "N/A" until there is something.
    if (key === 'out_time_us' && Number.isFinite(number)) outTimeMs = Math.max(0, number / 1000);
    if (key === 'progress') tell({ outTimeMs, frames });
  });
}
