import { readFile, statfs } from 'node:fs/promises';
import { availableParallelism, freemem, loadavg, totalmem } from 'node:os';
import type { Usage } from '../cluster/node-record';
import { readDescriptors } from './descriptors';
import { type ProcessUsage, readProcessTree } from './process-tree';

/** CPU time of the whole machine since it started, in any unit. */
export interface CpuTimes {
  readonly busy: number;
  readonly total: number;
}

/** Where the figures come from: Linux, or a test. */
export interface LoadReaders {
  /** Monotonic, in ms. */
  now(): number;
  /** Cores of the machine, or of the container. */
  cores(): number;
  cpuTimes(): Promise<CpuTimes>;
  /** Of the machine, over the last minute. */
  loadAverage(): number;
  /** A process and all that it started. @param root - @default this process */
  processes(root?: number): Promise<ProcessUsage[]>;
  machineMemory(): Usage;
  /** Bytes that this process and its children may have; 0: not limited. */
  memoryLimit(): number;
  disk(path: string): Promise<Usage>;
  descriptors(): Usage;
}

export const LINUX_READERS: LoadReaders = {
  now: () => performance.now(),
  cores: availableParallelism,
  cpuTimes: async () => cpuTimesOf(await readFile('/proc/stat', 'utf8')),
  loadAverage: () => loadavg()[0] ?? 0,
  processes: (root) => readProcessTree(root),
  // What is available, not what is free: the kernel gives its caches back.
  machineMemory: () => ({ used: totalmem() - freemem(), limit: totalmem() }),
  memoryLimit: () => {
    const limit = process.constrainedMemory();
    return limit < totalmem() ? limit : 0;
  },
  disk: async (path) => {
    const { blocks, bfree, bavail, bsize } = await statfs(path);
    // As df does it: what only root may use is no part of it.
    const used = (blocks - bfree) * bsize;
    return { used, limit: used + bavail * bsize };
  },
  descriptors: readDescriptors,
};

/**
 * Source: proc(5), /proc/stat: user nice system idle iowait irq softirq steal. What the hypervisor
 * takes away is busy, as it cannot be used.
 */
export function cpuTimesOf(stat: string): CpuTimes {
  const [first = ''] = stat.split('\n');
  const fields = first.split(/\s+/).slice(1, 9).map(Number);
  const total = fields.reduce((sum, one) => sum + one, 0);
  const [, , , idle = 0, iowait = 0] = fields;
  return { busy: total - idle - iowait, total };
}
