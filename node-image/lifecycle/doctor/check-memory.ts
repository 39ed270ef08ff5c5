import type { Check } from './context';
import { inMb, MB } from './megabytes';
import { reportOf } from './problems';

/** A node with nobody there, and its system. */
const BASE_BYTES = 512 * MB;
/** A media worker with the Rooms of a core. */
const WORKER_BYTES = 128 * MB;

/** Enough for the node, with all workers busy. */
export const checkMemory: Check = async ({ config, node, system }) => {
  const { ok, problem } = reportOf('Memory');
  const { totalBytes, availableBytes } = await system.memory();
  const workers = config.sluice.role === 'master' ? 0 : config.sluice.workers;
  const needed = BASE_BYTES + workers * WORKER_BYTES;
  const found = `${inMb(totalBytes)}, ${inMb(availableBytes)} of it available`;
  if (totalBytes < needed) {
    return [
      problem(
        'memory-small',
        `${found}; ${inMb(needed)} are wanted for a node with ${workers} workers`,
        'Take a larger machine, raise the limit of the container, or set sluice.workers to fewer.',
      ),
    ];
  }
  // What runs already has taken its part.
  const stillNeeded = node.kind === 'node' ? BASE_BYTES / 2 : needed;
  return [
    availableBytes >= stillNeeded
      ? ok(found)
      : problem(
          'memory-short',
          `${found}: ${inMb(stillNeeded)} should be`,
          'See who has it: ps aux --sort=-rss | head; stop what does not belong here.',
        ),
  ];
};
