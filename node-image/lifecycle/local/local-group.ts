import type { GroupDescription, GroupMachine, NodeGroup } from '../../cluster/node-group';

/** A process that stands for a machine. */
export interface LocalMachine {
  /** Whether a node serves on it. */
  isServing(): boolean;
  /** Ends it in order. Resolves when it is gone. */
  stop(): Promise<void>;
  /** For the end of the whole cluster: without waiting for drains. */
  stopNow(): Promise<void>;
}

export interface LocalGroupOptions {
  /**
   * Starts a machine.
   *
   * @throws Error with a sentence that says why it cannot be.
   */
  readonly start: (id: string) => Promise<LocalMachine>;
  /** There are never more than so many. */
  readonly maxMachines: number;
  /** ms. @default performance.now */
  readonly now?: () => number;
}

interface Member {
  readonly id: string;
  readonly bornAtMs: number;
  /** undefined until it has been started. */
  machine: LocalMachine | undefined;
  stopping: boolean;
}

/** More machines were asked for than this computer may have. */
export class GroupFullError extends Error {
  override readonly name = 'GroupFullError';
}

/** The machines of a cluster on one computer: processes. */
export class LocalGroup implements NodeGroup {
  readonly kind = 'local';
  readonly #options: LocalGroupOptions;
  readonly #members = new Map<string, Member>();
  readonly #starting = new Set<Promise<void>>();
  #wanted = 0;
  #born = 0;
  #closed = false;

  constructor(options: LocalGroupOptions) {
    this.#options = options;
  }

  describe(): Promise<GroupDescription> {
    const nowMs = this.#now();
    const machines = [...this.#members.values()].map((member) => ({
      id: member.id,
      state: stateOf(member),
      ageMs: Math.round(nowMs - member.bornAtMs),
    }));
    return Promise.resolve({ wanted: this.#wanted, machines });
  }

  /** @throws GroupFullError, and what `start` throws. */
  async grow(count: number): Promise<void> {
    const { maxMachines } = this.#options;
    if (this.#closed) {
      throw new GroupFullError('the local cluster is being stopped: no node is started any more');
    }
    if (this.#members.size + count > maxMachines) {
      throw new GroupFullError(
        `${count} more Media Nodes were asked for, and ${this.#members.size} run on this computer; allowed are ${maxMachines} in all`,
      );
    }
    this.#wanted += count;
    const born = Array.from({ length: count }, () => this.#give());
    const starts = born.map((member) => this.#start(member));
    for (const start of starts) {
      this.#starting.add(start);
    }
    const results = await Promise.allSettled(starts);
    for (const start of starts) {
      this.#starting.delete(start);
    }
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) {
      throw failed.reason;
    }
  }

  terminate(machineId: string): Promise<void> {
    const member = this.#members.get(machineId);
    if (member !== undefined && !member.stopping) {
      member.stopping = true;
      this.#wanted -= 1;
      void this.#end(member);
    }
    return Promise.resolve();
  }

  /** Ends all machines at once. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wanted = 0;
    await Promise.allSettled(this.#starting);
    const members = [...this.#members.values()];
    await Promise.all(
      members.map(async (member) => {
        member.stopping = true;
        await member.machine?.stopNow();
      }),
    );
    this.#members.clear();
  }

  #give(): Member {
    this.#born += 1;
    // A name is never given twice, as with the machines of a cloud.
    const member: Member = {
      id: `media-${this.#born}`,
      bornAtMs: this.#now(),
      machine: undefined,
      stopping: false,
    };
    this.#members.set(member.id, member);
    return member;
  }

  async #start(member: Member): Promise<void> {
    try {
      member.machine = await this.#options.start(member.id);
    } catch (error) {
      this.#members.delete(member.id);
      if (!member.stopping) {
        this.#wanted -= 1;
      }
      throw error;
    }
    if (member.stopping) {
      await this.#end(member);
    }
  }

  async #end(member: Member): Promise<void> {
    if (member.machine !== undefined) {
      await member.machine.stop();
      this.#members.delete(member.id);
    }
  }

  #now(): number {
    return (this.#options.now ?? (() => performance.now()))();
  }
}

function stateOf({ stopping, machine }: Member): GroupMachine['state'] {
  if (stopping) {
    return 'stopping';
  }
  return machine?.isServing() === true ? 'running' : 'starting';
}
