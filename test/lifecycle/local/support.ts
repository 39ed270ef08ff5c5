import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freeTcpPort } from '../../support/ports';
import { until } from '../../support/wait';

/** `sluice up` with stand-ins, in a process of its own. */
export interface Up {
  readonly child: ChildProcess;
  readonly port: number;
  output(): string;
  readonly ended: Promise<number | NodeJS.Signals | null>;
  /** The newest process of a node, by its name. */
  pidOf(name: string): number;
}

export async function up(env: NodeJS.ProcessEnv = {}): Promise<Up> {
  const port = await freeTcpPort();
  const child = spawn(process.execPath, ['--import', 'tsx', join(__dirname, 'run-stand-ins.ts')], {
    env: { ...process.env, LIVEKIT_PORT: `${port}`, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal));
  });
  return {
    child,
    port,
    output: () => output,
    ended,
    pidOf: (name) => {
      const lines = output.match(new RegExp(`^${name} +serving.*of=(\\d+)`, 'gm')) ?? [];
      return Number(/of=(\d+)/.exec(lines.at(-1) ?? '')?.[1]);
    },
  };
}

export const upAndReady = async (env: NodeJS.ProcessEnv = {}): Promise<Up> => {
  const running = await up(env);
  await until('the greeting', () => running.output().includes('Ctrl-C stops'), {
    timeoutMs: 40_000,
    explain: running.output,
  });
  return running;
};

/** Every process below one, itself not included. */
export function below(pid: number): number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((each) => parentOf(each) === pid);
  return children.flatMap((each) => [each, ...below(each)]);
}

export const isAlive = (pid: number): boolean => parentOf(pid) !== undefined;

/** undefined where there is no such process, or nothing but its exit code is left. */
function parentOf(pid: number): number | undefined {
  try {
    const [, state, parent] = /\) (\w) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    return state === 'Z' ? undefined : Number(parent);
  } catch {
    return undefined;
  }
}
