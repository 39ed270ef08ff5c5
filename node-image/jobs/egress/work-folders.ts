import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Folders of runs are called by their Egress, and the process that made them: its id and when it
 * started, as the first process of a container has the same id each time.
 */
const FOLDER = /^EG_\w+-(\d+)-(\d+)-\w{6}$/;

/** A folder for one run, closed to others. */
export async function workFolderFor(folder: string, egressId: string): Promise<string> {
  const started = await startOf(process.pid);
  return mkdtemp(join(folder, `${egressId}-${process.pid}-${started}-`));
}

/** Takes away what processes have left that were killed. */
export async function sweepWorkFolders(folder: string): Promise<void> {
  const names = await readdir(folder).catch((): string[] => []);
  for (const name of names) {
    const [, pid, started] = FOLDER.exec(name) ?? [];
    if (pid === undefined || (await startOf(Number(pid))) === started) continue;
    await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** In ticks since the system has; empty: there is no such process. Source: proc(5), starttime. */
async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // Its name, in parentheses, may hold anything.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
