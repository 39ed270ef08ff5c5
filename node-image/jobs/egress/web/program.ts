import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { SourceError } from '../source';
import { tiedProgram } from '../tied-program';

export interface ProgramOptions {
  readonly file: string;
  readonly args: readonly string[];
  /** All of its environment beside PATH. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

const LAST_LINES = 6;
const END_MS = 3000;

/** A program that runs beside a recording, until it is closed. */
export class Program {
  /** Settles when it has ended, with its last words. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];

  constructor({ file, args, env, cwd }: ProgramOptions) {
    this.#child = spawn(...tiedProgram(file, args, 'TERM'), {
      cwd,
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    });
    if (this.#child.stderr) {
      createInterface({ input: this.#child.stderr }).on('line', (line) => {
        this.#lines.push(line.slice(0, 300));
        if (this.#lines.length > LAST_LINES) this.#lines.shift();
      });
    }
    const last = (how: string): string => [`${file} ended ${how}`, ...this.#lines].join('; ');
    this.ended = once(this.#child, 'close').then(
      ([code]) => last(`with ${code ?? 'a signal'}`),
      (error: unknown) => last(`: ${error instanceof Error ? error.message : String(error)}`),
    );
  }

  /** 0: it could not be started. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What it writes to its third pipe. */
  get pipe(): Readable {
    return this.#child.stdio[3] as Readable;
  }

  /** @throws SourceError where it ends, or this takes longer than `timeoutMs`. */
  async until<T>(what: string, ready: Promise<T>, timeoutMs: number): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const text = `${what} took longer than ${timeoutMs} ms`;
      timer = setTimeout(() => reject(new SourceError(text, 500)), timeoutMs);
    });
    const gone = this.ended.then((words) => {
      throw new SourceError(`${what}: ${words}`, 500);
    });
    try {
      return await Promise.race([ready, late, gone]);
    } finally {
      clearTimeout(timer);
      gone.catch(() => {});
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#child.kill('SIGTERM');
    const force = setTimeout(() => this.#child.kill('SIGKILL'), END_MS);
    await this.ended;
    clearTimeout(force);
  }
}
