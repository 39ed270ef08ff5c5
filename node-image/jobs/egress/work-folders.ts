import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Folders of runs are called by their Egress and the process that made them. */
const FOLDER = /^EG_\w+-(\d+)-\w{6}$/;

/** A folder for one run, closed to others. */
export const workFolderFor = (folder: string, egressId: string): Promise<string> =>
  mkdtemp(join(folder, `${egressId}-${process.pid}-`));

/** Takes away what processes have left that were killed. */
export async function sweepWorkFolders(folder: string): Promise<void> {
  const names = await readdir(folder).catch((): string[] => []);
  for (const name of names) {
    const pid = FOLDER.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    await rm(join(folder, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's is alive too.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
