import { type ChildProcess, spawn } from 'node:child_process';
import { within } from '../../support/wait';
import { REPOSITORY } from './pages';

/** A program that runs, or has run. */
export interface Running {
  readonly child: ChildProcess;
  /** What it has written so far, to either output. */
  output(): string;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

/** Runs this Node in the repository. A test process that dies leaves nothing behind. */
export function runNode(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Running {
  const child = spawn(process.execPath, args, {
    cwd: REPOSITORY,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const kill = (): void => void child.kill('SIGTERM');
  process.once('exit', kill);
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once('close', (code, signal) => {
      process.removeListener('exit', kill);
      resolve(code ?? signal);
    });
  });
  return { child, output: () => output, ended };
}

/** Runs this Node to its end. */
export async function outputOf(
  args: readonly string[],
  env?: NodeJS.ProcessEnv,
): Promise<{ code: number | NodeJS.Signals | null; output: string }> {
  const running = runNode(args, env);
  const code = await within(args.join(' '), running.ended, 60_000).finally(() =>
    running.child.kill('SIGTERM'),
  );
  return { code, output: running.output() };
}
