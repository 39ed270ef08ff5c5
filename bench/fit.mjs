/**
 * `npm run bench:fit`: makes the costs that `sluice plan` goes by of what `npm run bench` measured on
 * this machine, and says how well they predict scenarios that they were not made of.
 *
 *   npm run bench:fit -- [--results bench/results/bench.json] [--hold-out scenario]...
 *                        [--doubt sentence]... [--out node-image/capacity/costs.json]
 */
import { spawn } from 'node:child_process';
import { ROOT, runMain, setUp } from '../scripts/setup.mjs';

await runMain(async () => {
  const { node, env } = await setUp({ tests: false });
  const args = ['--import', 'tsx', 'bench/fit.ts', ...process.argv.slice(2)];
  return new Promise((resolve, reject) => {
    const child = spawn(node, args, { cwd: ROOT, env, stdio: 'inherit' });
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
});
