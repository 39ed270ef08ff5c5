import { execFile } from 'node:child_process';
import { resolve } from 'node:path';

const PROGRAM = resolve(__dirname, '../../bin/sluice');

/** Runs bin/sluice in a process of its own. */
export function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; output: string; errors: string }> {
  const { PATH = '', HOME = '' } = process.env;
  return new Promise((done) => {
    const options = { env: { PATH, HOME, ...env }, timeout: 90_000 };
    execFile(process.execPath, [PROGRAM, ...args], options, (error, output, errors) => {
      done({ code: error === null ? 0 : Number(error.code), output, errors });
    });
  });
}
