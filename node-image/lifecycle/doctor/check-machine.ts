import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import type { Check, DiskSpace } from './context';
import { type DoctorFinding, reportOf } from './problems';

const MB = 1024 * 1024;
/** What coturn, Redis and the journal write meanwhile. */
const LEAST_FREE_BYTES = 100 * MB;
const STATE = '/var/lib/sluice';

/** Space where the node and what runs beside it write. */
export const checkDisk: Check = async ({ config, system }) => {
  const { disk_path, disk_limit } = config.sluice.ledger;
  const paths = [...new Set([disk_path, STATE, tmpdir()])];
  const findings: DoctorFinding[] = [];
  const rooms: string[] = [];
  const { ok, problem } = reportOf('Disk');
  for (const path of paths) {
    const space = await system.space(path);
    if (space !== undefined) {
      findings.push(...judgeDisk(path, space, disk_limit));
      rooms.push(`${path} ${inMb(space.freeBytes)} free`);
    } else if (path === disk_path) {
      findings.push(
        problem(
          'disk-missing',
          `there is no ${path}, which sluice.ledger.disk_path names`,
          'Mount it, or correct sluice.ledger.disk_path.',
        ),
      );
    }
  }
  return findings.length > 0 ? findings : [ok(rooms.join(', '))];
};

function judgeDisk(path: string, space: DiskSpace, limit: number): DoctorFinding[] {
  const { problem } = reportOf('Disk');
  const { totalBytes, freeBytes, totalFiles, freeFiles, isReadOnly } = space;
  const free = `Make space on it: du -xh ${path} | sort -h | tail; journalctl --vacuum-size=200M`;
  if (isReadOnly) {
    return [
      problem(
        'disk-read-only',
        `${path} is read-only`,
        'A disk with errors is mounted so: see dmesg, then mount -o remount,rw, or replace it.',
      ),
    ];
  }
  if (freeBytes < LEAST_FREE_BYTES) {
    return [problem('disk-full', `${path} has ${inMb(freeBytes)} free`, free)];
  }
  if (totalFiles > 0 && freeFiles === 0) {
    return [
      problem(
        'disk-files',
        `${path} has no room for another file, though ${inMb(freeBytes)} are free`,
        `Take small files away that nobody needs: du --inodes -x ${path} | sort -h | tail`,
      ),
    ];
  }
  const share = 1 - freeBytes / totalBytes;
  return share <= limit
    ? []
    : [
        problem(
          'disk-low',
          `${path} is ${Math.floor(share * 100)} % full, above sluice.ledger.disk_limit: the node is given Rooms last`,
          free,
        ),
      ];
}

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

const inMb = (bytes: number): string => `${Math.round(bytes / MB)} MB`;

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

/** What the node would say of its configuration. */
export const checkConfig: Check = async ({ config, question: { warnings } }) => {
  const { ok, problem } = reportOf('Configuration');
  return warnings.length === 0
    ? [ok(`of a ${NODE_OF[config.sluice.role]}`)]
    : warnings.map((warning) => problem('config-warned', warning, 'Correct it in sluice.yaml.'));
};

const NODE_OF = { single: 'Single Node', master: 'Master Node', media: 'Media Node' } as const;
