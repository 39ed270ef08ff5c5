import { readdir, readFile } from 'node:fs/promises';

/** Ticks of /proc/pid/stat in a second: the same on all of Linux (USER_HZ). */
const TICKS_PER_SECOND = 100;

/** One process as it is now. */
export interface ProcessUsage {
  readonly pid: number;
  /** Of its whole life, in user and system mode, ms. */
  readonly cpuMs: number;
  /** Resident memory. */
  readonly rssBytes: number;
}

/** This process and all that it started: media workers, coturn. Source: proc(5). */
export async function readProcessTree(root = process.pid): Promise<ProcessUsage[]> {
  const own = await readUsage(root);
  if (own === undefined) return [];
  const trees = await Promise.all((await children(root)).map(readProcessTree));
  return [own, ...trees.flat()];
}

async function readUsage(pid: number): Promise<ProcessUsage | undefined> {
  try {
    const [stat, status] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile(`/proc/${pid}/status`, 'utf8'),
    ]);
    return { pid, cpuMs: cpuMsOf(stat), rssBytes: rssBytesOf(status) };
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}

/** @param stat - text of /proc/pid/stat; its second field, the name, may hold anything. */
export function cpuMsOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  return (ticks * 1000) / TICKS_PER_SECOND;
}

const rssBytesOf = (status: string): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;

async function children(pid: number): Promise<number[]> {
  const tasks = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lists = await Promise.all(
    tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, 'utf8').catch(() => '')),
  );
  return lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number));
}
