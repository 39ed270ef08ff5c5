import type { CpuTimes } from './load-readers';
import type { ProcessUsage } from './process-tree';

/** So many samples, a second apart, count together. */
const WINDOW = 5;

/** The share of the CPU that is in use, 0 to 1, over the last seconds. */
export class CpuShare {
  readonly #samples: CpuTimes[] = [];

  /** @returns the share between the oldest sample that counts and this one; 0 for the first. */
  add(sample: CpuTimes): number {
    const samples = this.#samples;
    samples.push(sample);
    if (samples.length > WINDOW + 1) samples.shift();
    const [oldest = sample] = samples;
    const total = sample.total - oldest.total;
    return total > 0 ? Math.min(1, Math.max(0, (sample.busy - oldest.busy) / total)) : 0;
  }
}

/** What processes use, as CPU times of the cores that they have for themselves. */
export class ProcessTimes {
  #last: ReadonlyMap<number, number> | undefined;
  #busyMs = 0;

  /** @param nowMs - monotonic */
  add(processes: readonly ProcessUsage[], nowMs: number, cores: number): CpuTimes {
    for (const { pid, cpuMs } of processes) {
      // What a new process has used, it has used since the last look; at the first, nobody is new.
      const before = this.#last === undefined ? cpuMs : (this.#last.get(pid) ?? 0);
      this.#busyMs += Math.max(0, cpuMs - before);
    }
    this.#last = new Map(processes.map(({ pid, cpuMs }) => [pid, cpuMs]));
    return { busy: this.#busyMs, total: nowMs * cores };
  }
}

/** An average that follows within about a minute, as the load average of the system does. */
export class MinuteAverage {
  #value = 0;
  #lastMs: number | undefined;

  add(value: number, nowMs: number): number {
    const passedMs = this.#lastMs === undefined ? 0 : nowMs - this.#lastMs;
    const kept = Math.exp(-passedMs / 60_000);
    this.#value = kept * this.#value + (1 - kept) * value;
    this.#lastMs = nowMs;
    return this.#value;
  }
}
