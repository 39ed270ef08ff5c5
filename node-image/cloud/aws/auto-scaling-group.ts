import {
  type AutoScalingClient,
  DescribeAutoScalingGroupsCommand,
  type AutoScalingGroup as GroupFacts,
  type Instance,
  SetDesiredCapacityCommand,
  SetInstanceProtectionCommand,
  TerminateInstanceInAutoScalingGroupCommand,
} from '@aws-sdk/client-auto-scaling';
import type { EC2Client } from '@aws-sdk/client-ec2';
import type { Logger } from 'pino';
import type { GroupDescription, GroupMachine, NodeGroup } from '../../cluster/node-group';
import { ScalingTags } from '../scaling-tags';
import { awsErrorName } from './clients';
import { isOutdated, templateName } from './group-template';
import { MachineFacts } from './machine-facts';

const FRESH_MS = 1000;
/** So many machines can be protected by one call. Source: SetInstanceProtection, InstanceIds. */
const MOST_PROTECTED = 50;

/** The group does not do what was asked. The text is for people. */
export class AutoScalingError extends Error {
  override readonly name = 'AutoScalingError';
}

export interface AutoScalingGroupOptions {
  readonly autoScaling: AutoScalingClient;
  readonly ec2: EC2Client;
  /** sluice.cloud.media_group */
  readonly name: string;
  readonly log: Logger;
  /** Called when it is closed, once. */
  readonly onClose?: (() => void) | undefined;
  /** One look at the group serves all who ask within so long, ms. @default 1000 */
  readonly freshMs?: number | undefined;
  /** ms since 1970. @default Date.now */
  readonly now?: () => number;
}

/** A machine that AWS wants to end, and that waits for its node at the terminating hook. */
export interface WaitingMachine {
  readonly id: string;
  /** Whether EC2 still has it running. */
  readonly isRunning: boolean;
}

/**
 * The Media Nodes' machines in an Auto Scaling Group.
 *
 * Every method rejects with AutoScalingError, or with what the SDK says, where it cannot be done.
 */
export class AutoScalingGroup implements NodeGroup {
  readonly kind = 'aws';
  readonly #options: AutoScalingGroupOptions;
  readonly #now: () => number;
  readonly #facts: MachineFacts;
  readonly #tags: ScalingTags;
  #closed = false;
  #look: { readonly atMs: number; readonly group: Promise<GroupFacts> } | undefined;

  constructor(options: AutoScalingGroupOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#facts = new MachineFacts({ ec2: options.ec2, log: options.log, now: this.#now });
    this.#tags = new ScalingTags({ group: options.name, log: options.log });
  }

  async describe(): Promise<GroupDescription> {
    const group = await this.#group();
    const machines = (group.Instances ?? []).filter(isMember);
    const [launchedAtMs, template] = await Promise.all([
      this.#facts.launchedAtMs(machines.map(({ InstanceId }) => InstanceId ?? '')),
      this.#facts.newestTemplate(group),
    ]);
    await this.#protect(machines);
    return {
      wanted: group.DesiredCapacity ?? 0,
      limits: { min: group.MinSize ?? 0, max: group.MaxSize ?? 0 },
      scaling: this.#tags.read(tagsOf(group)),
      template: template && templateName(template),
      machines: machines.map((machine): GroupMachine => {
        const id = machine.InstanceId ?? '';
        return {
          id,
          state: stateOf(machine),
          ageMs: Math.max(0, this.#now() - (launchedAtMs.get(id) ?? this.#now())),
          isKept: machine.LifecycleState === 'Terminating:Retained',
          isOutdated: template !== undefined && isOutdated(machine, template),
        };
      }),
    };
  }

  /** The machines that wait at a terminating hook. */
  async waiting(): Promise<WaitingMachine[]> {
    const waiting = ((await this.#group()).Instances ?? []).flatMap(
      ({ InstanceId, LifecycleState }) =>
        LifecycleState === 'Terminating:Wait' && InstanceId !== undefined ? [InstanceId] : [],
    );
    const running = await this.#facts.running(waiting);
    return waiting.map((id) => ({ id, isRunning: running.has(id) }));
  }

  /** Whether AWS ends this machine, or has done so: where it is in the group no more. */
  async isEnding(machineId: string): Promise<boolean> {
    const { Instances = [] } = await this.#group(true);
    const machine = Instances.find(({ InstanceId }) => InstanceId === machineId);
    return machine === undefined || stateOf(machine) === 'stopping';
  }

  async grow(count: number): Promise<void> {
    const { autoScaling, name, log } = this.#options;
    // What the net under the controller has added meanwhile counts.
    const { DesiredCapacity = 0, MaxSize = 0 } = await this.#group(true);
    const wanted = Math.min(DesiredCapacity + count, MaxSize);
    if (wanted < DesiredCapacity + count) {
      log.warn(
        { group: name, wanted: DesiredCapacity + count, maximum: MaxSize },
        'the Auto Scaling Group may not have as many machines as are needed: raise its maximum',
      );
    }
    if (wanted <= DesiredCapacity) return;
    this.#look = undefined;
    await autoScaling.send(
      new SetDesiredCapacityCommand({
        AutoScalingGroupName: name,
        DesiredCapacity: wanted,
        HonorCooldown: false,
      }),
    );
  }

  async terminate(machineId: string): Promise<void> {
    const { DesiredCapacity = 0, MinSize = 0, Instances = [] } = await this.#group(true);
    const machine = Instances.find(({ InstanceId }) => InstanceId === machineId);
    const isKept = machine?.LifecycleState === 'Terminating:Retained';
    // Once more would lower what is wanted once more.
    if (machine === undefined || (stateOf(machine) === 'stopping' && !isKept)) return;
    // What is kept does not count as wanted any more. Source: User Guide, "Manage retained instances".
    await this.#terminate(machineId, !isKept && DesiredCapacity > MinSize);
  }

  async #terminate(machineId: string, lowers: boolean): Promise<void> {
    this.#look = undefined;
    try {
      await this.#options.autoScaling.send(
        new TerminateInstanceInAutoScalingGroupCommand({
          InstanceId: machineId,
          ShouldDecrementDesiredCapacity: lowers,
        }),
      );
    } catch (error) {
      const text = error instanceof Error ? error.message : '';
      if (awsErrorName(error) !== 'ValidationError') throw error;
      // The minimum was raised in this moment.
      if (lowers && /min size/i.test(text)) return this.#terminate(machineId, false);
      if (!/not found|not part of|not in service/i.test(text)) throw error;
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    if (!this.#closed) this.#options.onClose?.();
    this.#closed = true;
  }

  /** All of the group are protected from scale-in; one that came another way is not. */
  async #protect(machines: readonly Instance[]): Promise<void> {
    const { autoScaling, name, log } = this.#options;
    const open = machines
      .filter((one) => one.LifecycleState === 'InService' && one.ProtectedFromScaleIn === false)
      .flatMap(({ InstanceId }) => InstanceId ?? [])
      .slice(0, MOST_PROTECTED);
    if (open.length === 0) return;
    this.#look = undefined;
    try {
      await autoScaling.send(
        new SetInstanceProtectionCommand({
          AutoScalingGroupName: name,
          InstanceIds: open,
          ProtectedFromScaleIn: true,
        }),
      );
      log.info({ group: name, machines: open }, 'protected machines from scale-in');
    } catch (error) {
      log.warn({ err: error, machines: open }, 'machines could not be protected from scale-in');
    }
  }

  #group(anew = false): Promise<GroupFacts> {
    const atMs = performance.now();
    if (
      anew ||
      this.#look === undefined ||
      atMs - this.#look.atMs >= (this.#options.freshMs ?? FRESH_MS)
    ) {
      const look = { atMs, group: this.#read() };
      this.#look = look;
      // What failed is not kept.
      look.group.catch(() => {
        if (this.#look === look) this.#look = undefined;
      });
    }
    return this.#look.group;
  }

  async #read(): Promise<GroupFacts> {
    const { autoScaling, name } = this.#options;
    const { AutoScalingGroups = [] } = await autoScaling.send(
      new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [name] }),
    );
    const [group] = AutoScalingGroups;
    if (group === undefined) {
      throw new AutoScalingError(
        `there is no Auto Scaling Group ${JSON.stringify(name)} in this region and account: sluice.cloud.media_group names the one of the Media Nodes`,
      );
    }
    return group;
  }
}

const tagsOf = ({ Tags = [] }: GroupFacts): Readonly<Record<string, string>> =>
  Object.fromEntries(Tags.map(({ Key = '', Value = '' }) => [Key, Value]));

/** Those that are detached, on standby or in the warm pool carry nothing, and are no capacity. */
const isMember = ({ InstanceId, LifecycleState }: Instance): boolean =>
  InstanceId !== undefined &&
  /^(Pending|InService|Quarantined|Terminat)/.test(LifecycleState ?? '');

/** Source: User Guide, "Amazon EC2 Auto Scaling instance lifecycle". */
function stateOf({ LifecycleState }: Instance): GroupMachine['state'] {
  if (LifecycleState?.startsWith('Pending') === true) return 'starting';
  return LifecycleState === 'InService' ? 'running' : 'stopping';
}
