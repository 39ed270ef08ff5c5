import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const SCRIPT = join(__dirname, '..', '..', 'network', 'support', 'in-namespace.sh');

/**
 * Runs a file of tests in a network of its own, where cables can be cut. Fails with its output
 * unless exactly so many tests pass.
 */
export async function passInNamespace(file: string, tests: number): Promise<string> {
  // The runner of this process is not the one of the inner file.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn('sh', [SCRIPT, process.execPath, '--import', 'tsx', '--test', file], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  assert.equal(code, 0, output);
  assert.match(output, new RegExp(`pass ${tests}\\b`));
  assert.match(output, /skipped 0\b/);
  return output;
}
