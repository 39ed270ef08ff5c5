import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const BENCH = join(__dirname, '..', '..', '..', 'bench', 'bench.mjs');

/** `npm run bench -- args`, to its end. */
export function runBench(...args: string[]): {
  readonly status: number | null;
  readonly output: string;
} {
  const command = [BENCH, ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' });
  return { status, output: stdout + stderr };
}
