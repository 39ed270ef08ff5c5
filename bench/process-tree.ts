/** What processes and the machine have used, as Linux counts it. */
import { readdirSync, readFileSync } from 'node:fs';

/** Linux has counted in hundredths of a second for all programs since 2.6. */
const TICKS_A_SECOND = 100;

export interface Usage {
  /** User and system, seconds, of the process, what it started, and what of that has ended. */
  readonly cpuSeconds: number;
  /** Resident memory, bytes. */
  readonly rssBytes: number;
  readonly fileDescriptors: number;
}

/** Of a process and everything that it started; zeros for one that is gone. */
export function usageOf(pid: number): Usage {
  const parts = [pid, ...descendants(pid)].map((one) => ({
    cpu: cpuSeconds(one),
    rss: Number(/VmRSS:\s+(\d+) kB/.exec(read(`/proc/${one}/status`))?.[1] ?? 0) * 1024,
    files: openFiles(one),
  }));
  const sum = (of: (part: (typeof parts)[number]) => number): number =>
    parts.reduce((total, part) => total + of(part), 0);
  return {
    cpuSeconds: sum((part) => part.cpu),
    rssBytes: sum((part) => part.rss),
    fileDescriptors: sum((part) => part.files),
  };
}

/** CPU seconds that all programs of the machine have used since it started. */
export function machineCpuSeconds(): number {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = read('/proc/stat')
    .split('\n', 1)
    .join('')
    .split(/\s+/)
    .map(Number);
  return (user + nice + system + irq + softirq) / TICKS_A_SECOND;
}

function cpuSeconds(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  // The name is in parentheses and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return ticks / TICKS_A_SECOND;
}

function descendants(pid: number): number[] {
  const tasks = list(`/proc/${pid}/task`);
  const direct = tasks.flatMap((task) =>
    read(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean).map(Number),
  );
  return direct.flatMap((child) => [child, ...descendants(child)]);
}

const openFiles = (pid: number): number => list(`/proc/${pid}/fd`).length;

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // It has ended meanwhile.
    return '';
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
