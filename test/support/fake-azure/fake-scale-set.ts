import { AzureFault } from './azure-fault';

/** Source: "Terminate notification for Azure Virtual Machine Scale Set instances": PT5M to PT15M. */
const NOTICE_MS = 900_000;

/** What machines are made from. */
export interface FakeModel {
  readonly size: string;
  readonly imageId: string;
  /** In base64. */
  readonly userData?: string;
}

export interface FakeVm {
  readonly name: string;
  readonly vmId: string;
  readonly createdAtMs: number;
  readonly model: FakeModel;
  provisioningState: 'Creating' | 'Succeeded' | 'Failed' | 'Deleting';
  powerState: 'running' | 'deallocated';
  deletion:
    | { readonly eventId: string; readonly notBeforeMs: number; isApproved: boolean }
    | undefined;
  /** Its deletion never ends, unless it is asked for by force. */
  isStuck: boolean;
}

/** As an instance sees it. Source: "Azure Metadata Service: Scheduled Events for Linux VMs". */
export interface FakeEvent {
  readonly EventId: string;
  readonly EventType: 'Freeze' | 'Reboot' | 'Redeploy' | 'Preempt' | 'Terminate';
  readonly Resources: readonly string[];
  readonly NotBefore: string;
  readonly EventStatus: 'Scheduled' | 'Started';
  readonly DurationInSeconds: number;
}

export interface FakeScaleSetOptions {
  readonly name?: string;
  /** ms since 1970. */
  readonly now?: () => number;
  /** Lists show what was so long ago, ms. @default 0 */
  readonly listLagMs?: number;
  /** When a deletion takes the capacity down: Azure's documents do not say. @default end */
  readonly capacityFalls?: 'begin' | 'end';
  /** @default true */
  readonly hasTerminateNotification?: boolean;
  readonly model?: FakeModel;
}

/** A Virtual Machine Scale Set in Flexible orchestration; each rule names Azure's page in README.md. */
export class FakeScaleSet {
  readonly name: string;
  readonly listLagMs: number;
  capacity = 0;
  model: FakeModel;
  tags: Record<string, string> = {};
  revision = 1;
  machines: FakeVm[] = [];
  /** Names in the order in which they were gone. */
  readonly gone: string[] = [];
  /** Those that Azure has chosen itself, as the capacity was lowered. */
  readonly chosenByAzure: string[] = [];
  /** Machines that nobody approved the end of. */
  readonly timedOut: string[] = [];
  /** Other events than those of deletions. */
  events: FakeEvent[] = [];
  readonly approved: string[] = [];
  readonly #options: FakeScaleSetOptions;
  readonly #now: () => number;
  #made = 0;
  #history: { readonly atMs: number; readonly machines: readonly FakeVm[] }[] = [];

  constructor(options: FakeScaleSetOptions = {}) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.name = options.name ?? 'media';
    this.listLagMs = options.listLagMs ?? 0;
    this.model = options.model ?? { size: 'Standard_F4s_v2', imageId: '/images/1' };
    this.#note();
  }

  get etag(): string {
    return `"${this.revision}"`;
  }

  machine(name: string): FakeVm | undefined {
    return this.machines.find((one) => one.name === name);
  }

  /** Source: "Virtual Machine Scale Sets - Update". Machines appear at once, as they are made. */
  setCapacity(capacity: number, state: FakeVm['provisioningState'] = 'Succeeded'): void {
    const added = capacity - this.capacity;
    this.capacity = capacity;
    this.revision += 1;
    for (let i = 0; i < added; i += 1) this.#make(state);
    // Source: "Use custom scale-in policies with Azure Virtual Machine Scale Sets".
    for (let i = 0; i < -added; i += 1) {
      const victim = this.machines.findLast(({ deletion }) => deletion === undefined);
      if (victim === undefined) break;
      this.chosenByAzure.push(victim.name);
      this.#begin(victim);
    }
    this.#note();
  }

  /** Source: "Virtual Machines - Delete". @returns false where there is none. */
  delete(name: string, force = false): boolean {
    const machine = this.machine(name);
    if (machine === undefined) return false;
    if (machine.deletion === undefined) {
      if (this.#options.capacityFalls === 'begin') this.#fall();
      this.#begin(machine);
    }
    if (force) this.#end(machine);
    this.settle();
    return true;
  }

  /** What time brings: deletions whose time is up, or that are approved. */
  settle(): void {
    const ending = this.machines.filter(({ deletion }) => deletion !== undefined);
    const isDue = (machine: FakeVm): boolean =>
      machine.deletion !== undefined &&
      (machine.deletion.isApproved || this.#now() >= machine.deletion.notBeforeMs);
    // Source: "Terminate notification ...", "Approve all pending deletes".
    if (!ending.every((machine) => isDue(machine))) {
      for (const machine of ending) {
        if (this.#now() >= (machine.deletion?.notBeforeMs ?? Infinity)) this.#finish(machine);
      }
      return;
    }
    for (const machine of ending) this.#finish(machine);
  }

  /** As a list shows them, which may be old. */
  listed(): readonly FakeVm[] {
    this.settle();
    const untilMs = this.#now() - this.listLagMs;
    const old = this.#history.findLast(({ atMs }) => atMs <= untilMs);
    return this.listLagMs === 0 ? this.machines : (old?.machines ?? []);
  }

  /** As every machine of the set sees them. */
  scheduledEvents(): FakeEvent[] {
    this.settle();
    const deletions = this.machines.flatMap(({ name, deletion }): FakeEvent[] =>
      deletion === undefined ||
      deletion.isApproved ||
      this.#options.hasTerminateNotification === false
        ? []
        : [
            {
              EventId: deletion.eventId,
              EventType: 'Terminate',
              Resources: [name],
              NotBefore: new Date(deletion.notBeforeMs).toUTCString(),
              EventStatus: 'Scheduled',
              DurationInSeconds: -1,
            },
          ],
    );
    return [...deletions, ...this.events];
  }

  /** Source: "Scheduled Events for Linux VMs", "Start an event": for all resources of the event. */
  approve(eventId: string): void {
    const machine = this.machines.find(({ deletion }) => deletion?.eventId === eventId);
    const other = this.events.find(({ EventId }) => EventId === eventId);
    if (machine === undefined && other === undefined) {
      throw new AzureFault('BadRequest', `there is no event ${eventId}`, 400);
    }
    this.approved.push(eventId);
    if (machine?.deletion !== undefined) machine.deletion.isApproved = true;
    if (other !== undefined) {
      this.events = this.events.map((event) =>
        event === other ? { ...event, EventStatus: 'Started', NotBefore: '' } : event,
      );
    }
    this.settle();
  }

  #make(provisioningState: FakeVm['provisioningState']): void {
    this.#made += 1;
    this.machines.push({
      name: `${this.name}_${String(this.#made).padStart(8, '0')}`,
      vmId: `vm-${this.#made}`,
      createdAtMs: this.#now(),
      model: this.model,
      provisioningState,
      powerState: 'running',
      deletion: undefined,
      isStuck: false,
    });
  }

  #begin(machine: FakeVm): void {
    const noticeMs = this.#options.hasTerminateNotification === false ? 0 : NOTICE_MS;
    machine.provisioningState = 'Deleting';
    machine.deletion = {
      eventId: `event-of-${machine.name}`,
      notBeforeMs: this.#now() + noticeMs,
      isApproved: false,
    };
    this.#note();
  }

  #finish(machine: FakeVm): void {
    if (machine.isStuck) return;
    if (machine.deletion?.isApproved === false) this.timedOut.push(machine.name);
    this.#end(machine);
  }

  #end(machine: FakeVm): void {
    if (this.#options.capacityFalls !== 'begin' && !this.chosenByAzure.includes(machine.name)) {
      this.#fall();
    }
    this.machines = this.machines.filter((one) => one !== machine);
    this.gone.push(machine.name);
    this.#note();
  }

  #fall(): void {
    this.capacity -= 1;
    this.revision += 1;
  }

  #note(): void {
    const machines = this.machines.map((machine) => ({ ...machine }));
    this.#history = [...this.#history.slice(-100), { atMs: this.#now(), machines }];
  }
}
