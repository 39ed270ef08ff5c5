import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const SCRIPT = join(__dirname, 'support', 'in-namespace.sh');
const INNER = join(__dirname, 'support', 'ipv6-in-namespace.ts');

/**
 * The tests of ipv6-in-namespace.ts, in a network of their own: this machine may have no IPv6, and
 * its interfaces are nobody's to change. Root makes it, or anybody where user namespaces are allowed.
 */
test('clients connect by IPv6 in a network of two families', { timeout: 120_000 }, async () => {
  const { code, output } = await run('sh', [
    SCRIPT,
    process.execPath,
    '--import',
    'tsx',
    '--test',
    INNER,
  ]);
  assert.equal(code, 0, output);
  // That they have run, all of them.
  assert.match(output, /pass 3\b/);
  assert.match(output, /skipped 0\b/);
});

function run(command: string, args: string[]): Promise<{ code: number | null; output: string }> {
  // The runner of this file is not the one of the inner file.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    }
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}
