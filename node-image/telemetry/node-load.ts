import type { Logger } from 'pino';
import type { Cost, Ledger } from '../cluster/ledger';
import type { NodeLoad, Usage } from '../cluster/node-record';
import type { SluiceConfig } from '../contract';
import { CpuShare, MinuteAverage, ProcessTimes } from './cpu-share';
import { LINUX_READERS, type LoadReaders } from './load-readers';
import type { NodeTotals } from './node-totals';

export interface NodeLoadOptions {
  /** `sluice.load_scope`: all that runs on the machine, or this process and its children. */
  readonly scope: SluiceConfig['sluice']['load_scope'];
  readonly ledger: Pick<SluiceConfig['sluice']['ledger'], 'bandwidth_limit' | 'disk_path'>;
  /** `limit`; a Master Node has none to reach. */
  readonly limit: Pick<SluiceConfig['limit'], 'num_tracks' | 'bytes_per_sec'>;
  /** Media workers; with the scope `processes`, the cores that this node has for itself. */
  readonly workers: number;
  /** What the Rooms do. @default - nothing, as on a Master Node */
  readonly totals?: NodeTotals | undefined;
  /** On this node, whosever Rooms they are for. @default 0 */
  readonly turnAllocations?: (() => number) | undefined;
  readonly log: Logger;
  /** How often it is measured, ms. @default 1000 */
  readonly intervalMs?: number | undefined;
  /** @default - those of Linux */
  readonly readers?: LoadReaders | undefined;
}

interface Measured {
  readonly cpus: number;
  readonly cpuLoad: number;
  readonly sysLoad: number;
  readonly memory: Usage;
  readonly disk: Usage;
}

const UNKNOWN: Usage = { used: 0, limit: 0 };

/** Measures what a node's record says of its load, about every second. */
export class NodeLoadMeter {
  readonly #options: NodeLoadOptions;
  readonly #readers: LoadReaders;
  readonly #share = new CpuShare();
  readonly #times = new ProcessTimes();
  readonly #minute = new MinuteAverage();
  readonly #timer: NodeJS.Timeout;
  #measured: Measured;
  #descriptors: Usage = UNKNOWN;
  #book: Ledger | undefined;
  readonly #jobPids: (() => readonly number[])[] = [];
  readonly #jobTimes = new ProcessTimes();
  readonly #jobShare = new CpuShare();
  /** What jobs used lately. */
  #byJobs: Pick<Cost, 'cpus' | 'memoryBytes'> = { cpus: 0, memoryBytes: 0 };
  #busy = false;
  #failed = false;

  private constructor(options: NodeLoadOptions) {
    this.#options = options;
    this.#readers = options.readers ?? LINUX_READERS;
    const cpus = this.#cpus();
    this.#measured = { cpus, cpuLoad: 0, sysLoad: 0, memory: UNKNOWN, disk: UNKNOWN };
    this.#timer = setInterval(() => void this.measure(), options.intervalMs ?? 1000);
    this.#timer.unref();
  }

  /** The first figures are there when it resolves; those of the CPU need a second one. */
  static async start(options: NodeLoadOptions): Promise<NodeLoadMeter> {
    const meter = new NodeLoadMeter(options);
    await meter.measure();
    return meter;
  }

  /** What was measured last, and what the Rooms do now. */
  get load(): NodeLoad {
    const { totals, limit, ledger, turnAllocations } = this.#options;
    return {
      ...this.#measured,
      rooms: totals?.rooms ?? 0,
      clients: totals?.participants ?? 0,
      tracksIn: totals?.tracksIn ?? 0,
      tracksOut: totals?.tracksOut ?? 0,
      bytesPerSec: totals?.bytesPerSecond ?? 0,
      bytesPerSecLimit: ledger.bandwidth_limit,
      descriptors: this.#descriptors,
      turnAllocations: turnAllocations?.() ?? 0,
      reservedCpus: this.#book?.reserved().cpus ?? 0,
      limitReached: totals?.exceeds(limit.num_tracks, limit.bytes_per_sec) ?? false,
    };
  }

  /** From now on tells this ledger what is in use, and says what it has promised. */
  keep(ledger: Ledger): void {
    this.#book = ledger;
    this.#tellLedger();
  }

  /** What these processes use too, and those that they started, is covered by reservations of jobs. */
  keepJobs(pids: () => readonly number[]): void {
    this.#jobPids.push(pids);
  }

  /** Idempotent. */
  close(): void {
    clearInterval(this.#timer);
  }

  /** Measures, unless it is measuring. What cannot be read stays as it was. Never rejects. */
  async measure(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      this.#descriptors = this.#readers.descriptors();
      const disk = this.#readers.disk(this.#options.ledger.disk_path);
      const rest = this.#options.scope === 'machine' ? this.#machine() : this.#processes();
      const [figures, diskUsage] = await Promise.all([rest, disk]);
      this.#byJobs = await this.#readJobs();
      this.#measured = { ...figures, cpus: this.#cpus(), disk: diskUsage };
      this.#failed = false;
      this.#tellLedger();
    } catch (error) {
      if (!this.#failed) {
        this.#options.log.warn({ err: error }, 'the load of this node cannot be measured');
      }
      // Once, not each second.
      this.#failed = true;
    } finally {
      this.#busy = false;
    }
  }

  #cpus(): number {
    const cores = Math.max(1, this.#readers.cores());
    const { scope, workers } = this.#options;
    return scope === 'machine' ? cores : Math.min(cores, Math.max(1, workers));
  }

  async #machine(): Promise<Omit<Measured, 'cpus' | 'disk'>> {
    const times = await this.#readers.cpuTimes();
    return {
      cpuLoad: this.#share.add(times),
      sysLoad: this.#readers.loadAverage() / this.#cpus(),
      memory: this.#readers.machineMemory(),
    };
  }

  async #processes(): Promise<Omit<Measured, 'cpus' | 'disk'>> {
    const processes = await this.#readers.processes();
    const now = this.#readers.now();
    const cpuLoad = this.#share.add(this.#times.add(processes, now, this.#cpus()));
    const used = processes.reduce((sum, { rssBytes }) => sum + rssBytes, 0);
    const limit = this.#readers.memoryLimit() || this.#readers.machineMemory().limit;
    // Linux knows a load average of the machine only.
    return { cpuLoad, sysLoad: this.#minute.add(cpuLoad, now), memory: { used, limit } };
  }

  async #readJobs(): Promise<Pick<Cost, 'cpus' | 'memoryBytes'>> {
    const trees = await Promise.all(
      this.#jobPids.flatMap((pids) => pids()).map((pid) => this.#readers.processes(pid)),
    );
    // One may have been started by another.
    const processes = [...new Map(trees.flat().map((one) => [one.pid, one])).values()];
    const times = this.#jobTimes.add(processes, this.#readers.now(), this.#cpus());
    return {
      cpus: this.#jobShare.add(times) * this.#cpus(),
      memoryBytes: processes.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
    };
  }

  #tellLedger(): void {
    const { cpus, cpuLoad, memory, disk } = this.#measured;
    const used = {
      cpus: cpus * cpuLoad,
      memoryBytes: memory.used,
      bytesPerSec: this.#options.totals?.bytesPerSecond ?? 0,
      diskBytes: disk.used,
    };
    const promised = this.#book?.reservedByJobs() ?? this.#byJobs;
    this.#book?.measured(used, {
      // What they use beyond it is load like any other.
      cpus: Math.min(this.#byJobs.cpus, promised.cpus),
      memoryBytes: Math.min(this.#byJobs.memoryBytes, promised.memoryBytes),
    });
  }
}
