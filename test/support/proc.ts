import { readdir, readFile } from 'node:fs/promises';

/** What a process and its children hold, as Linux counts it. */
export interface Footprint {
  /** Processes, the given one included. */
  readonly processes: number;
  readonly fileDescriptors: number;
  /** Resident memory, bytes. */
  readonly rssBytes: number;
}

/** Adds up a process and everything that it started. */
export async function footprint(pid: number): Promise<Footprint> {
  const pids = [pid, ...(await children(pid))];
  const parts = await Promise.all(pids.map(async (one) => [await openFiles(one), await rss(one)]));
  const sum = (index: number): number =>
    parts.reduce((total, part) => total + (part[index] ?? 0), 0);
  return { processes: pids.length, fileDescriptors: sum(0), rssBytes: sum(1) };
}

async function children(pid: number): Promise<number[]> {
  const tasks = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lists = await Promise.all(
    tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, 'utf8').catch(() => '')),
  );
  const direct = lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number));
  const deeper = await Promise.all(direct.map(children));
  return [...direct, ...deeper.flat()];
}

async function openFiles(pid: number): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`).catch(() => [])).length;
}

async function rss(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}
