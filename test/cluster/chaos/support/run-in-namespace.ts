import { spawn } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(__dirname, '..', '..', '..', '..');
const SCRIPT = join(ROOT, 'test', 'network', 'support', 'in-namespace.sh');

/**
 * Runs a file of tests in a network of its own, which ends with it.
 *
 * @param onNote - told what its tests say of themselves.
 */
export function runInNamespace(
  file: string,
  onNote: (line: string) => void,
): Promise<{ readonly code: number | null; readonly output: string }> {
  // The runner of this file is not the one of the inner file.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const args = [
    SCRIPT,
    process.execPath,
    '--import',
    'tsx',
    '--test',
    '--test-force-exit',
    '--test-reporter=tap',
    file,
  ];
  return new Promise((resolve, reject) => {
    const child = spawn('sh', args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    }
    child.once('error', reject);
    child.once('close', (code) => {
      for (const [, note] of output.matchAll(/^\s*# (.*)$/gm)) onNote(note ?? '');
      resolve({ code, output });
    });
  });
}
