import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunLocalClusterOptions } from '../../../node-image/lifecycle/local/run-local-cluster';
import { freeTcpPort } from '../../support/ports';
import { until } from '../../support/wait';

/** A local cluster with stand-ins for its nodes, or with real ones, in a process of its own. */
export interface Up {
  readonly child: ChildProcess;
  readonly port: number;
  output(): string;
  readonly ended: Promise<number | NodeJS.Signals | null>;
  /** The newest process of a node, by its name. */
  pidOf(name: string): number;
}

export function up(env: NodeJS.ProcessEnv = {}): Promise<Up> {
  return start(env, ['run-stand-ins.ts']);
}

/** What a local cluster of real nodes is started with. */
export type RealNodes = Pick<RunLocalClusterOptions, 'nodes' | 'settings'>;

/** The same with real nodes, when they serve. */
export async function upWithNodes(options: RealNodes): Promise<Up> {
  return ready(await start({}, ['run-real-nodes.ts', JSON.stringify(options)]));
}

export const upAndReady = async (env: NodeJS.ProcessEnv = {}): Promise<Up> => ready(await up(env));

async function start(
  env: NodeJS.ProcessEnv,
  [program = '', ...args]: readonly string[],
): Promise<Up> {
  const port = await freeTcpPort();
  const command = ['--import', 'tsx', join(__dirname, program), ...args];
  const child = spawn(process.execPath, command, {
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

async function ready(running: Up): Promise<Up> {
  await until('the greeting', () => running.output().includes('Ctrl-C stops'), {
    timeoutMs: 40_000,
    explain: running.output,
  });
  return running;
}

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
