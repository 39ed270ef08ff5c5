/**
 * Brings a fresh checkout to where it can run: the npm packages, a Node that is new enough,
 * mediasoup's worker, and for tests what they need beside. Says nothing when there is nothing to
 * do; can be run again, also after an interruption; asks for nothing.
 *
 * Plain JavaScript that Node 20 understands, because it runs before anything is installed.
 */
import { realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureAgentsJs } from './lib/agents-js.mjs';
import { SetupError } from './lib/commands.mjs';
import { ensureLiveKitServices } from './lib/livekit-services.mjs';
import { chooseNode } from './lib/node-choice.mjs';
import { ensurePackages } from './lib/npm-packages.mjs';
import { ensurePulumi } from './lib/pulumi-cli.mjs';
import { AGENTS_PYTHON, AWS_LAB, ensurePythonLab, PYTHON_SDK } from './lib/python-lab.mjs';
import { ensureRedis } from './lib/redis.mjs';
import { ensureTestTools } from './lib/test-tools.mjs';
import { ensureWorker } from './lib/worker.mjs';

export const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/**
 * @param {{ tests: boolean, redis?: boolean, python?: boolean, agentsPython?: boolean, pulumi?: boolean }} what is needed
 *   beside what a node needs: `redis` for the local cluster, where it can be had; `python` for tests
 *   that run something in it, or an agent; `pulumi` for those that deploy with its command line
 * @returns {Promise<{ node: string, env: NodeJS.ProcessEnv }>} the Node to run with, and the
 *   environment to give it
 * @throws {SetupError}
 */
export async function setUp({
  tests,
  redis = false,
  python = false,
  agentsPython = false,
  pulumi = false,
}) {
  const node = chooseNode({ root: ROOT, version: process.version, execPath: process.execPath });
  await ensurePackages({ root: ROOT, node, nodeVersion: process.version });
  const worker = await ensureWorker(ROOT);
  if (redis) {
    await ensureRedis();
  }
  const browser = tests ? await ensureTestTools() : undefined;
  const labs = [...(python ? [AWS_LAB, PYTHON_SDK] : []), ...(agentsPython ? [AGENTS_PYTHON] : [])];
  const pulumiCli = pulumi ? await ensurePulumi(ROOT) : undefined;
  const labEnv = [];
  for (const lab of labs) {
    labEnv.push(await ensurePythonLab(ROOT, lab));
  }
  const agentsJs = python ? await ensureAgentsJs(ROOT) : {};
  const services = pulumi ? await ensureLiveKitServices(ROOT) : {};
  const bin = path.join(ROOT, 'node_modules/.bin');
  return {
    node: node.path,
    env: {
      ...process.env,
      // Child processes named `node` shall be the same Node.
      PATH: [bin, process.env.PATH ?? ''].join(path.delimiter),
      ...(worker ? { MEDIASOUP_WORKER_BIN: worker } : {}),
      ...(browser ? { CHROMIUM_BIN: browser } : {}),
      ...Object.assign({}, ...labEnv),
      ...agentsJs,
      ...services,
      ...(pulumiCli ? { PULUMI_BIN: pulumiCli } : {}),
    },
  };
}

/**
 * Runs the main function of a script: an error that explains itself is printed without its stack.
 *
 * @param {() => Promise<number>} main answers the exit code
 */
export async function runMain(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    console.error(error instanceof SetupError ? error.message : error);
    process.exitCode = 1;
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await runMain(async () => {
    const tests = process.argv.includes('--tests');
    await setUp({ tests, python: tests, pulumi: tests });
    return 0;
  });
}
