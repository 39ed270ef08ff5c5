import { DescribeAutoScalingInstancesCommand } from '@aws-sdk/client-auto-scaling';
import { sleep, until } from '../wait';
import type { AwsLab } from './aws-lab';
import { REGION } from './lab-server';
import { type MachineMetadata, MetadataMock } from './metadata-mock';

/** What runs on an instance of the lab: a real process here. */
export interface Machine {
  /** Called once, when the instance is no more. */
  close(): Promise<void>;
}

/** An instance of a group, as it was seen last. */
export interface LabInstance {
  readonly id: string;
  readonly group: string;
  /** Such as InService or Terminating:Wait. */
  readonly state: string;
  readonly isProtected: boolean;
  readonly templateVersion: string;
}

export interface LabMachinesOptions {
  readonly lab: AwsLab;
  /** Only instances of groups whose name begins so. */
  readonly group: string;
  /** Called for each new instance, with its metadata service. */
  readonly boot: (instance: LabInstance, metadata: MetadataMock) => Promise<Machine>;
}

interface Running {
  instance: LabInstance;
  readonly metadata: MetadataMock;
  readonly machine: Promise<Machine>;
  notice: Pick<MachineMetadata, 'spotAction' | 'rebalance'>;
}

/**
 * Gives each instance of a group a machine: what `boot` starts lives as long as the instance does, and
 * its metadata says what the group has in mind for it.
 */
export class LabMachines {
  readonly #options: LabMachinesOptions;
  readonly #running = new Map<string, Running>();
  readonly #watching: Promise<void>;
  #closed = false;
  #failure: unknown;

  constructor(options: LabMachinesOptions) {
    this.#options = options;
    this.#watching = this.#watch();
  }

  /** All that there are now. */
  get instances(): LabInstance[] {
    return [...this.#running.values()].map(({ instance }) => instance);
  }

  /** The machine of an instance, once it has booted. @throws Error where there is no such instance. */
  async machine(id: string): Promise<Machine> {
    const found = this.#running.get(id);
    if (found === undefined) throw new Error(`no instance ${id} runs here`);
    return found.machine;
  }

  /** Lets an instance's metadata speak of Spot or of rebalancing. */
  notify(id: string, notice: Running['notice']): void {
    const found = this.#running.get(id);
    if (found === undefined) throw new Error(`no instance ${id} runs here`);
    found.notice = notice;
  }

  /** Waits until as many run as given, all booted, and all in this state. */
  async settled(count: number, state = 'InService', timeoutMs = 60_000): Promise<LabInstance[]> {
    const isSettled = (): boolean => {
      if (this.#failure !== undefined) throw this.#failure;
      const found = this.instances;
      return found.length === count && found.every((one) => one.state === state);
    };
    const explain = (): string => JSON.stringify(this.instances);
    await until(`${count} instances in ${state}`, isSettled, { timeoutMs, explain });
    await Promise.all([...this.#running.values()].map(({ machine }) => machine));
    return this.instances;
  }

  /** Ends all machines; instances stay what they are. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#watching;
    await Promise.all([...this.#running.keys()].map((id) => this.#end(id)));
  }

  async #watch(): Promise<void> {
    while (!this.#closed) {
      try {
        await this.#look();
      } catch (error) {
        this.#failure ??= error;
      }
      await sleep(100);
    }
  }

  async #look(): Promise<void> {
    const { lab, group } = this.#options;
    const answer = await lab.autoScaling.send(new DescribeAutoScalingInstancesCommand({}));
    const found = (answer.AutoScalingInstances ?? [])
      .filter((one) => one.AutoScalingGroupName?.startsWith(group))
      .map((one) => ({
        id: one.InstanceId ?? '',
        group: one.AutoScalingGroupName ?? '',
        state: one.LifecycleState ?? '',
        isProtected: one.ProtectedFromScaleIn ?? false,
        templateVersion: one.LaunchTemplate?.Version ?? '',
        type: one.InstanceType ?? '',
        zone: one.AvailabilityZone ?? '',
      }));
    for (const { type, zone, ...instance } of found) {
      const known = this.#running.get(instance.id);
      if (known === undefined) await this.#boot(instance, type, zone);
      else known.instance = instance;
    }
    const gone = [...this.#running.keys()].filter((id) => !found.some((one) => one.id === id));
    await Promise.all(gone.map((id) => this.#end(id)));
  }

  async #boot(instance: LabInstance, instanceType: string, zone: string): Promise<void> {
    const { id } = instance;
    const metadata = await MetadataMock.start(() => ({
      instanceId: id,
      instanceType,
      availabilityZone: zone,
      region: REGION,
      privateAddress: '127.0.0.1',
      publicAddress: '127.0.0.1',
      targetLifecycleState: target(this.#running.get(id)?.instance.state ?? instance.state),
      ...this.#running.get(id)?.notice,
    }));
    const machine = this.#options.boot(instance, metadata);
    machine.catch((error: unknown) => {
      this.#failure ??= error;
    });
    this.#running.set(id, { instance, metadata, machine, notice: {} });
  }

  async #end(id: string): Promise<void> {
    const found = this.#running.get(id);
    this.#running.delete(id);
    await (await found?.machine.catch(() => undefined))?.close();
    await found?.metadata.close();
  }
}

/** Where the group wants the instance to be. */
function target(state: string): string {
  if (state.startsWith('Terminat')) return 'Terminated';
  return state.startsWith('Standby') || state === 'EnteringStandby' ? 'Standby' : 'InService';
}
