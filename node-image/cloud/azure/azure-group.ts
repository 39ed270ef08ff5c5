import { setTimeout as sleep } from 'node:timers/promises';
import type {
  ComputeManagementClient,
  VirtualMachine,
  VirtualMachineScaleSet,
} from '@azure/arm-compute';
import type { Logger } from 'pino';
import type { GroupDescription, GroupMachine, NodeGroup } from '../../cluster/node-group';
import type { SluiceConfig } from '../../contract';
import { ScalingTags } from '../scaling-tags';
import { azureCompute } from './clients';
import { Deletions, type ListedMachine } from './deletions';
import { ExpectedMachines } from './expected-machines';
import { MachineModels, modelName } from './machine-model';
import { AzureError, ResourceManager } from './resource-manager';

const FRESH_MS = 1000;
/** So often the capacity is raised anew, where somebody else changes the scale set meanwhile. */
const ATTEMPTS = 4;
const PAUSE_MS = 2000;

export interface AzureGroupOptions {
  /** The scale set is that of `media_group` in `resource_group`. */
  readonly cloud: Pick<
    SluiceConfig['sluice']['cloud'],
    'subscription' | 'resource_group' | 'media_group' | 'identity' | 'resource_manager_url'
  >;
  readonly log: Logger;
  /** @default - of the identity of this machine */
  readonly compute?: ComputeManagementClient | undefined;
  /** One look at the group serves all who ask within so long, ms. @default 1000 */
  readonly freshMs?: number | undefined;
  /** Before the capacity is raised anew, ms. @default 2000 */
  readonly pauseMs?: number | undefined;
  /** Instead of both clocks, that of the day and the one that never jumps; ms since 1970. @default - both */
  readonly now?: (() => number) | undefined;
}

interface Look {
  readonly set: VirtualMachineScaleSet;
  readonly machines: readonly VirtualMachine[];
}

/**
 * The Media Nodes' machines in a Virtual Machine Scale Set in Flexible orchestration. Its capacity is
 * only ever raised here; a machine leaves by being deleted itself, which takes the capacity down.
 *
 * Every method rejects with AzureError where it cannot be done.
 *
 * Source: learn.microsoft.com, "Orchestration modes for Virtual Machine Scale Sets in Azure".
 */
export class AzureGroup implements NodeGroup {
  readonly kind = 'azure';
  readonly #options: AzureGroupOptions;
  /** Never jumps, ms: a clock that is set must not make a deletion look as if it hung. */
  readonly #now: () => number;
  readonly #compute: ComputeManagementClient;
  readonly #manager: ResourceManager;
  readonly #deletions: Deletions;
  readonly #expected: ExpectedMachines;
  readonly #models: MachineModels;
  readonly #tags: ScalingTags;
  #closed = false;
  #look: { readonly atMs: number; readonly look: Promise<Look> } | undefined;

  constructor(options: AzureGroupOptions) {
    const { cloud, log, compute, now = () => performance.now() } = options;
    this.#options = options;
    this.#now = now;
    this.#compute = compute ?? azureCompute({ cloud });
    this.#manager = new ResourceManager({ now });
    this.#deletions = new Deletions(now);
    this.#expected = new ExpectedMachines({ group: cloud.media_group, log, now });
    this.#models = new MachineModels({ log, userDataOf: (name) => this.#userDataOf(name) });
    this.#tags = new ScalingTags({ group: cloud.media_group, log });
  }

  async describe(): Promise<GroupDescription> {
    const { set, machines } = await this.#fresh();
    await this.#endStuck(this.#deletions.note(machines.map(listed)));
    const live = machines.filter((machine) => !this.#isEnding(machine));
    const newest = this.#models.newest(set);
    const outdated = await this.#models.outdated(newest, live);
    const tags = set.tags ?? {};
    const min = this.#tags.value(tags, 'minNodes');
    const max = this.#tags.value(tags, 'maxNodes');
    return {
      wanted: this.#expected.wanted({
        capacity: set.sku?.capacity ?? 0,
        live: live.length,
        ending: machines.length - live.length,
      }),
      limits: min === undefined || max === undefined ? undefined : { min, max },
      scaling: this.#tags.read(tags),
      template: modelName(newest),
      machines: machines.map((machine): GroupMachine => {
        const dayMs = (this.#options.now ?? Date.now)();
        const createdAtMs = machine.timeCreated?.getTime() ?? dayMs;
        return {
          id: machine.name ?? '',
          state: this.#isEnding(machine) ? 'stopping' : stateOf(machine),
          ageMs: Math.max(0, dayMs - createdAtMs),
          hasFailed: hasFailed(machine),
          isOutdated: outdated.has(machine.name ?? ''),
        };
      }),
    };
  }

  async grow(count: number): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const { set, machines } = await this.#fresh(true);
      const live = machines.filter((machine) => !this.#isEnding(machine)).length;
      const capacity = set.sku?.capacity ?? 0;
      const figures = { capacity, live, ending: machines.length - live };
      const more = Math.min(count, this.#mayHaveMore(set, this.#expected.wanted(figures)));
      if (more < count) {
        this.#options.log.warn(
          { group: this.#options.cloud.media_group, wanted: count, possible: Math.max(0, more) },
          'the scale set may not have as many machines as are needed: raise its tag sluice:max-nodes',
        );
      }
      if (more <= 0) return;
      try {
        await this.#raise(set, capacity + more);
        this.#expected.grown(figures, more);
        return;
      } catch (error) {
        if (!isConflict(error) || attempt === ATTEMPTS) throw error;
        await sleep(this.#options.pauseMs ?? PAUSE_MS);
        if (this.#closed) throw error;
      }
    }
  }

  async terminate(machineId: string): Promise<void> {
    const { machines } = await this.#fresh(true);
    const machine = machines.find(({ name }) => name === machineId);
    if (machine === undefined || this.#isEnding(machine)) return;
    await this.#delete(listed(machine), false);
    this.#expected.ended();
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
  }

  #isEnding(machine: VirtualMachine): boolean {
    return this.#deletions.isEnding(listed(machine));
  }

  #mayHaveMore(set: VirtualMachineScaleSet, wanted: number): number {
    const max = this.#tags.value(set.tags ?? {}, 'maxNodes');
    return max === undefined ? Infinity : max - wanted;
  }

  async #raise(set: VirtualMachineScaleSet, capacity: number): Promise<void> {
    const { resource_group, media_group } = this.#options.cloud;
    this.#look = undefined;
    const words = {
      kind: 'write',
      what: `raise the capacity of the scale set ${media_group} to ${capacity}`,
      action: 'Microsoft.Compute/virtualMachineScaleSets/write',
    } as const;
    await this.#manager.call(words, async (abortSignal) => {
      const poller = this.#compute.virtualMachineScaleSets.update(
        resource_group,
        media_group,
        { sku: { ...set.sku, capacity } },
        // Another one that raises it meanwhile is not undone.
        { ...(set.etag === undefined ? {} : { ifMatch: set.etag }), abortSignal },
      );
      await poller.submitted();
    });
  }

  /** Begins the deletion; it goes on by itself, for many minutes where the machine holds it up. */
  async #delete(machine: ListedMachine, forceDeletion: boolean): Promise<void> {
    const { resource_group } = this.#options.cloud;
    this.#look = undefined;
    const words = {
      kind: 'delete',
      what: `delete the machine ${machine.name}`,
      action: 'Microsoft.Compute/virtualMachines/delete',
    } as const;
    try {
      await this.#manager.call(words, async (abortSignal) => {
        const poller = this.#compute.virtualMachines.delete(resource_group, machine.name, {
          ...(forceDeletion ? { forceDeletion } : {}),
          abortSignal,
        });
        await poller.submitted();
      });
    } catch (error) {
      if (!(error instanceof AzureError) || error.status !== 404) throw error;
    }
    this.#deletions.asked(machine);
  }

  /** Never rejects: others are to be seen whatever becomes of these. */
  async #endStuck(machines: readonly ListedMachine[]): Promise<void> {
    const { log } = this.#options;
    for (const machine of machines) {
      log.warn(
        { machine: machine.name },
        'the deletion of a machine hangs; it is asked for by force',
      );
      await this.#delete(machine, true).catch((error: unknown) =>
        log.warn({ err: error, machine: machine.name }, 'a machine could not be deleted by force'),
      );
    }
  }

  async #userDataOf(name: string): Promise<string | undefined> {
    const { resource_group } = this.#options.cloud;
    const words = { ...READ, what: `read the machine ${name}` };
    const machine = await this.#manager.call(words, (abortSignal) =>
      this.#compute.virtualMachines.get(resource_group, name, { expand: 'userData', abortSignal }),
    );
    return machine.userData;
  }

  #fresh(anew = false): Promise<Look> {
    const atMs = this.#now();
    const { freshMs = FRESH_MS } = this.#options;
    if (anew || this.#look === undefined || atMs - this.#look.atMs >= freshMs) {
      const look = { atMs, look: this.#read() };
      this.#look = look;
      // What failed is not kept.
      look.look.catch(() => {
        if (this.#look === look) this.#look = undefined;
      });
    }
    return this.#look.look;
  }

  async #read(): Promise<Look> {
    const { subscription, resource_group, media_group } = this.#options.cloud;
    const id = `/subscriptions/${subscription}/resourceGroups/${resource_group}/providers/Microsoft.Compute/virtualMachineScaleSets/${media_group}`;
    const [set, machines] = await Promise.all([
      this.#readSet(),
      this.#manager.call(
        { ...READ, what: 'list the machines of the scale set' },
        async (signal) => {
          const found: VirtualMachine[] = [];
          const filter = `'virtualMachineScaleSet/id' eq '${id}'`;
          const pages = this.#compute.virtualMachines.list(resource_group, {
            filter,
            expand: 'instanceView',
            abortSignal: signal,
          });
          for await (const machine of pages) found.push(machine);
          return found;
        },
      ),
    ]);
    return { set, machines };
  }

  async #readSet(): Promise<VirtualMachineScaleSet> {
    const { resource_group, media_group } = this.#options.cloud;
    const action = 'Microsoft.Compute/virtualMachineScaleSets/read';
    const words = { kind: 'read', what: `read the scale set ${media_group}`, action } as const;
    try {
      return await this.#manager.call(words, (abortSignal) =>
        this.#compute.virtualMachineScaleSets.get(resource_group, media_group, {
          expand: 'userData',
          abortSignal,
        }),
      );
    } catch (error) {
      if (!(error instanceof AzureError) || error.status !== 404) throw error;
      throw new AzureError(
        `there is no scale set ${JSON.stringify(media_group)} in the resource group ${JSON.stringify(resource_group)}: sluice.cloud names the one of the Media Nodes by subscription, resource_group and media_group`,
        { cause: error, status: 404, code: error.code },
      );
    }
  }
}

const READ = { kind: 'read', action: 'Microsoft.Compute/virtualMachines/read' } as const;

const listed = ({ name = '', vmId = '', provisioningState }: VirtualMachine): ListedMachine => ({
  name,
  vmId,
  isDeleting: provisioningState === 'Deleting',
});

/** Source: learn.microsoft.com, "States and billing status of Azure Virtual Machines". */
const stateOf = ({ provisioningState }: VirtualMachine): 'starting' | 'running' =>
  provisioningState === 'Creating' ? 'starting' : 'running';

/** Whether it was not made as it should, or is switched off: without help no node runs on it again. */
function hasFailed({ provisioningState, instanceView }: VirtualMachine): boolean {
  const isOff = instanceView?.statuses?.some(({ code }) =>
    /^PowerState\/(deallocat|stop)/i.test(code ?? ''),
  );
  return provisioningState === 'Failed' || isOff === true;
}

/**
 * Whether somebody else is changing the same: it works a little later. A quota that is used up answers
 * 409 as well. Source: learn.microsoft.com, "Troubleshoot common Azure deployment errors".
 */
const isConflict = (error: unknown): boolean =>
  error instanceof AzureError &&
  (error.status === 412 || (error.status === 409 && error.code !== 'OperationNotAllowed'));
