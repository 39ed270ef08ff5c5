import { CompleteLifecycleActionCommand } from '@aws-sdk/client-auto-scaling';
import { SignalResourceCommand } from '@aws-sdk/client-cloudformation';
import type { AwsLab } from './aws-lab';
import { type LabInstance, LabMachines } from './lab-machines';

export interface ObedientOptions {
  readonly lab: AwsLab;
  readonly stack: string;
  /** Logical ids of the groups whose machines signal, by a part of the group's name. @default none */
  readonly signals?: Readonly<Record<string, string>>;
  /** Hooks that nobody completes. @default none */
  readonly deaf?: readonly string[];
}

const HOOKS: Readonly<Record<string, string>> = {
  'Pending:Wait': 'sluice-launching',
  'Terminating:Wait': 'sluice-terminating',
};

/** Stand-ins for machines: they boot in no time, signal, and complete each hook when asked. */
export class ObedientMachines {
  readonly #options: ObedientOptions;
  readonly #machines: LabMachines;
  readonly #timer: NodeJS.Timeout;
  readonly #done = new Set<string>();
  #working: Promise<unknown> = Promise.resolve();

  constructor(options: ObedientOptions) {
    const { lab, stack } = options;
    this.#options = options;
    this.#machines = new LabMachines({
      lab,
      group: `${stack}-`,
      boot: async () => ({ close: async () => undefined }),
    });
    this.#timer = setInterval(() => {
      this.#working = Promise.all(this.#machines.instances.map((one) => this.#serve(one)));
    }, 200);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#working;
    await this.#machines.close();
  }

  async #serve({ id, group, state }: LabInstance): Promise<void> {
    const { lab, stack, signals = {}, deaf = [] } = this.#options;
    const resource = Object.entries(signals).find(([part]) => group.includes(part))?.[1];
    // The first signals may be too early, and some later ones too late: that is theirs to say.
    if (resource !== undefined && this.#once(`${id} signal`)) {
      await lab.cloudFormation
        .send(
          new SignalResourceCommand({
            StackName: stack,
            LogicalResourceId: resource,
            UniqueId: id,
            Status: 'SUCCESS',
          }),
        )
        .catch(() => this.#done.delete(`${id} signal`));
    }
    const hook = HOOKS[state];
    if (hook === undefined || deaf.includes(hook) || !this.#once(`${id} ${hook}`)) return;
    await lab.autoScaling
      .send(
        new CompleteLifecycleActionCommand({
          AutoScalingGroupName: group,
          LifecycleHookName: hook,
          InstanceId: id,
          LifecycleActionResult: 'CONTINUE',
        }),
      )
      .catch(() => this.#done.delete(`${id} ${hook}`));
  }

  #once(what: string): boolean {
    if (this.#done.has(what)) return false;
    this.#done.add(what);
    return true;
  }
}
