import { spawn } from 'node:child_process';
import type { Check } from './context';
import { reportOf } from './problems';

/** What mediasoup's worker ends with when nobody speaks to it. */
const ALONE = 41;
const WORKER_MS = 5000;

/** Whether mediasoup's worker is there, and fits this machine. */
export const checkWorker: Check = async ({ config, question }) => {
  if (config.sluice.role === 'master') return [];
  const { ok, problem } = reportOf('Media worker');
  // Loaded only here: it takes its time.
  const workerBin = question.workerBin ?? (await import('mediasoup')).workerBin;
  const how = await new Promise<string>((resolve) => {
    const child = spawn(workerBin, [], { env: {}, stdio: 'ignore', timeout: WORKER_MS });
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(`it ended with ${code ?? signal}`));
  });
  return [
    how === `it ended with ${ALONE}`
      ? ok(`${config.sluice.workers} of them are to run`)
      : problem(
          'worker-missing',
          `${workerBin} does not start: ${how}`,
          'Run install.sh again, or in the sources `npm run setup`; or set MEDIASOUP_WORKER_BIN to one that is built for this machine (ldd says what it lacks).',
        ),
  ];
};
