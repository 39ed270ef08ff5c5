/**
 * `npm run bench`: measures Sluice, and livekit-server where it is on the PATH or given, with the
 * same load on this machine, in a network namespace that ends with it.
 *
 *   npm run bench -- [--scenario name or series]... [--repeat 3] [--seconds 24] [--minutes 0]
 *                    [--peer path of livekit-server] [--lk path of lk] [--smoke]
 *                    [--name bench] [--out folder]
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { findProgram } from '../scripts/lib/commands.mjs';
import { ROOT, runMain, setUp } from '../scripts/setup.mjs';

await runMain(async () => {
  const { node, env } = await setUp({ tests: false });
  const given = process.argv.slice(2);
  const args = [...given];
  for (const [option, program] of Object.entries({ '--peer': 'livekit-server', '--lk': 'lk' })) {
    const found = findProgram(program, process.env);
    const isGiven = given.some((arg) => arg === option || arg.startsWith(`${option}=`));
    if (!isGiven && found) {
      args.push(option, found);
    }
  }
  // Its libraries come from their registry, which is not to be reached from the namespace.
  const build =
    "require('./bench/load-build').ensureLoadSource().catch((error) => { console.error(error.message); process.exitCode = 1; })";
  const built = await exitCode(node, ['--import', 'tsx', '-e', build], env);
  if (built !== 0) {
    return built;
  }
  const script = path.join(ROOT, 'test/network/support/in-namespace.sh');
  return exitCode('sh', [script, node, '--import', 'tsx', 'bench/run.ts', ...args], env);
});

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>}
 */
function exitCode(command, args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, env, stdio: 'inherit' });
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}
