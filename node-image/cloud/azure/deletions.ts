/** A list may be so old that it shows nothing of a deletion that has begun, ms. */
const SEEN_WITHIN_MS = 120_000;
/** A deletion that runs for longer hangs: 15 minutes is the longest that a machine may hold it up, ms. */
const STUCK_MS = 1_200_000;

/** A machine as Azure lists it. */
export interface ListedMachine {
  readonly name: string;
  /** Another machine of the same name has another one. */
  readonly vmId: string;
  readonly isDeleting: boolean;
}

interface Deletion {
  readonly vmId: string;
  readonly askedAtMs: number;
  /** It shows in the list. */
  readonly isSeen: boolean;
}

/**
 * Which machines are on their way out: from the moment that a deletion was asked for, although lists
 * lag behind, and although it takes many minutes.
 *
 * Source: learn.microsoft.com, "Track asynchronous Azure operations" and "Terminate notification for
 * Azure Virtual Machine Scale Set instances".
 */
export class Deletions {
  readonly #now: () => number;
  readonly #known = new Map<string, Deletion>();

  /** @param now - monotonic, ms */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Azure has taken the order. */
  asked({ name, vmId }: Pick<ListedMachine, 'name' | 'vmId'>): void {
    this.#known.set(name, { vmId, askedAtMs: this.#now(), isSeen: false });
  }

  /** Whether a machine ends, by a list that may be old. */
  isEnding({ name, vmId, isDeleting }: ListedMachine): boolean {
    if (isDeleting) return true;
    const known = this.#known.get(name);
    if (known === undefined || known.vmId !== vmId || known.isSeen) return false;
    return this.#now() - known.askedAtMs < SEEN_WITHIN_MS;
  }

  /**
   * Takes note of a list.
   *
   * @returns machines whose deletion hangs, to be asked for once more, by force. Each comes again
   *   only after as long.
   */
  note<Machine extends ListedMachine>(machines: readonly Machine[]): Machine[] {
    const nowMs = this.#now();
    const listed = new Map(machines.map((machine) => [machine.name, machine]));
    for (const [name, { vmId }] of this.#known) {
      if (listed.get(name)?.vmId !== vmId) this.#known.delete(name);
    }
    const stuck: Machine[] = [];
    for (const machine of machines) {
      const { name, vmId, isDeleting } = machine;
      const known = this.#known.get(name);
      if (!isDeleting) {
        const isOver = known !== undefined && !this.isEnding(machine);
        // It was given up: whoever wants the machine gone asks again.
        if (isOver) this.#known.delete(name);
        continue;
      }
      const askedAtMs = known?.askedAtMs ?? nowMs;
      const isStuck = nowMs - askedAtMs >= STUCK_MS;
      if (isStuck) stuck.push(machine);
      this.#known.set(name, { vmId, askedAtMs: isStuck ? nowMs : askedAtMs, isSeen: true });
    }
    return stuck;
  }
}
