/** Runs the load source. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { LoadLine, LoadPlan } from './load-plan';

export interface RunLoadOptions {
  /** What `ensureLoadSource` answered. */
  readonly program: string;
  readonly plan: LoadPlan;
  /** Told of every line, the last one too. @default nobody */
  readonly onLine?: (line: LoadLine) => void;
  /** Ends the run early; its last line still comes. @default never */
  readonly signal?: AbortSignal;
}

/**
 * Plays a plan to its end.
 *
 * @returns its last line
 * @throws Error with what the load source wrote when it fails.
 */
export function runLoad({ program, plan, onLine, signal }: RunLoadOptions): Promise<LoadLine> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, { stdio: ['pipe', 'pipe', 'pipe'] });
    const end = (): void => {
      child.kill('SIGTERM');
    };
    signal?.addEventListener('abort', end, { once: true });
    // The caller's end must not leave load behind.
    const killAtExit = (): void => {
      child.kill('SIGKILL');
    };
    process.once('exit', killAtExit);

    let last: LoadLine | undefined;
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (text) => {
      last = JSON.parse(text) as LoadLine;
      onLine?.(last);
    });
    let complaint = '';
    child.stderr.on('data', (chunk: Buffer) => {
      complaint = (complaint + chunk.toString()).slice(-10_000);
    });
    const settle = (): void => {
      signal?.removeEventListener('abort', end);
      process.removeListener('exit', killAtExit);
    };
    child.once('error', (error) => {
      settle();
      reject(new Error(`the load source ${program} cannot be started: ${error.message}`));
    });
    child.once('close', (code, endedBy) => {
      settle();
      if (code === 0 && last?.type === 'end') {
        resolve(last);
      } else {
        const how = endedBy ?? `exit code ${code}`;
        reject(new Error(`the load source ended with ${how} before its end: ${complaint.trim()}`));
      }
    });
    // It says itself what was wrong with a plan that it did not read to the end.
    child.stdin.on('error', () => {});
    child.stdin.end(JSON.stringify(plan));
  });
}
