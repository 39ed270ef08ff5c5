/**
 * Builds mediasoup's worker, for this machine or for another architecture: `arm64` on x86.
 *
 *   build-worker.mjs <folder with node_modules/mediasoup> <where it shall be> [architecture]
 */
import path from 'node:path';
import { SetupError } from '../../../scripts/lib/commands.mjs';
import { buildWorker } from '../../../scripts/lib/worker-build.mjs';

const [root = '.', target, arch = process.arch] = process.argv.slice(2);
try {
  if (!target) {
    throw new SetupError(
      'build-worker.mjs needs two paths: the project, and where the worker is to be.',
    );
  }
  await buildWorker(path.resolve(root), path.resolve(target), arch);
} catch (error) {
  console.error(error instanceof SetupError ? error.message : error);
  process.exitCode = 1;
}
