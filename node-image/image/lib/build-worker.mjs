/**
 * Builds mediasoup's worker.
 *
 *   build-worker.mjs <folder with node_modules/mediasoup> <where it shall be>
 */
import { buildWorker } from '../../../scripts/lib/worker-build.mjs';

const [root = '.', target = ''] = process.argv.slice(2);
await buildWorker(root, target);
