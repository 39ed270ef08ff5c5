import { tmpdir } from 'node:os';
import type { Check, DiskSpace } from './context';
import { inMb, MB } from './megabytes';
import { type DoctorFinding, reportOf } from './problems';

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
