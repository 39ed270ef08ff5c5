import { AwsFault } from './fault';

/** Source: Auto Scaling API Reference, API_Instance.html, LifecycleState. */
export type LifecycleState =
  | 'Pending'
  | 'Pending:Wait'
  | 'InService'
  | 'Terminating:Wait'
  | 'Terminating:Proceed'
  | 'Terminating:Retained';

export interface FakeMachine {
  readonly id: string;
  state: LifecycleState;
  isProtected: boolean;
  readonly launchedAt: Date;
  readonly template: { readonly id: string; readonly version: string };
  readonly type: string;
  /** As EC2 says: API_InstanceState.html. */
  power: 'running' | 'shutting-down' | 'terminated';
  /** When the hook gives up, and when it does so however often it hears of the machine; ms. */
  waitsUntilMs: number;
  waitsAtMostUntilMs: number;
}

export interface FakeHook {
  readonly name: string;
  readonly transition: 'launching' | 'terminating';
  /** Seconds. Tests use fractions, which AWS does not have. */
  readonly heartbeatTimeout: number;
  readonly defaultResult: 'CONTINUE' | 'ABANDON';
}

export interface FakeGroupOptions {
  readonly name?: string;
  readonly min?: number;
  readonly max?: number;
  readonly hooks?: readonly FakeHook[];
  /** Source: API_RetentionTriggers.html. @default terminate */
  readonly onAbandon?: 'retain' | 'terminate';
  readonly now?: () => number;
}

const FIRST_ERROR = 'No active Lifecycle Action found with instance ID';

/**
 * As much of an Auto Scaling Group as the node uses. Each behaviour is that of the page of the Auto
 * Scaling API Reference (docs.aws.amazon.com/autoscaling/ec2/APIReference/) or User Guide named.
 */
export class FakeScalingGroup {
  readonly name: string;
  readonly machines: FakeMachine[] = [];
  readonly hooks: readonly FakeHook[];
  min: number;
  max: number;
  desired = 0;
  template = { id: 'lt-1', version: '1' };
  /** What the group itself says: `$Latest`, or a number. */
  templateVersion: string | undefined;
  type = 'c7i.xlarge';
  /** By key. */
  tags: Readonly<Record<string, string>> = {};
  /** Machines that ended while nobody had said that they may: with calls on them, in a real cluster. */
  readonly cutOff: string[] = [];
  readonly #onAbandon: 'retain' | 'terminate';
  readonly #now: () => number;
  #count = 0;

  constructor(options: FakeGroupOptions = {}) {
    this.name = options.name ?? 'media';
    this.min = options.min ?? 0;
    this.max = options.max ?? 10;
    this.hooks = options.hooks ?? [];
    this.#onAbandon = options.onAbandon ?? 'terminate';
    this.#now = options.now ?? Date.now;
  }

  /** Starts what is missing. User Guide, ec2-auto-scaling-lifecycle.html: Pending, Pending:Wait, InService. */
  settle(): void {
    this.expire();
    const counted = (): number =>
      this.machines.filter(({ state }) => !state.startsWith('Terminating')).length;
    while (counted() < this.desired) this.#launch();
  }

  machine(id: string): FakeMachine | undefined {
    return this.machines.find((one) => one.id === id);
  }

  /** API_SetDesiredCapacity.html: between MinSize and MaxSize, or ValidationError. */
  setDesired(wanted: number): void {
    if (wanted > this.max || wanted < this.min) {
      const [side, limit] = wanted > this.max ? ['above max', this.max] : ['below min', this.min];
      throw new AwsFault(
        'ValidationError',
        `New SetDesiredCapacity value ${wanted} is ${side} value ${limit} for the AutoScalingGroup.`,
      );
    }
    this.desired = wanted;
    this.settle();
  }

  /**
   * API_TerminateInstanceInAutoScalingGroup.html: a protected machine too; decrementing below MinSize
   * is a ValidationError. User Guide, manage-retained-instances.html: also what is retained.
   */
  terminate(id: string, decrement: boolean): void {
    const machine = this.machine(id);
    if (machine === undefined) {
      throw new AwsFault(
        'ValidationError',
        `Instance Id not found - No managed instance found for instance ID: ${id}`,
      );
    }
    if (machine.state === 'Terminating:Retained') {
      this.#end(machine);
      return;
    }
    if (decrement) {
      if (this.desired <= this.min) {
        throw new AwsFault(
          'ValidationError',
          `Currently, desiredSize equals minSize (${this.min}). Terminating instance without replacement will violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min size.`,
        );
      }
      this.desired -= 1;
    }
    this.beginEnd(id);
    this.settle();
  }

  /** What a console, a stack or a rebalance does: to Terminating:Wait where there is a hook. */
  beginEnd(id: string): void {
    const machine = this.machine(id);
    if (machine === undefined || machine.state.startsWith('Terminating')) return;
    const hook = this.hooks.find(({ transition }) => transition === 'terminating');
    if (hook === undefined) {
      this.#end(machine);
      return;
    }
    this.#wait(machine, 'Terminating:Wait', hook);
  }

  /** API_SetInstanceProtection.html: of machines in service. */
  protect(ids: readonly string[], isProtected: boolean): void {
    for (const id of ids) {
      const machine = this.machine(id);
      if (machine?.state !== 'InService') {
        throw new AwsFault(
          'ValidationError',
          `The instance ${id} is not in InService or EnteringStandby or Standby.`,
        );
      }
      machine.isProtected = isProtected;
    }
  }

  /** API_RecordLifecycleActionHeartbeat.html: extends by the heartbeat timeout, up to the global one. */
  heartbeat(hookName: string, id: string): void {
    const { machine, hook } = this.#waiting(hookName, id);
    machine.waitsUntilMs = Math.min(
      this.#now() + hook.heartbeatTimeout * 1000,
      machine.waitsAtMostUntilMs,
    );
  }

  /** API_CompleteLifecycleAction.html: CONTINUE or ABANDON; at launch ABANDON ends the machine. */
  complete(hookName: string, id: string, result: string): void {
    const { machine } = this.#waiting(hookName, id);
    if (result !== 'CONTINUE' && result !== 'ABANDON') {
      throw new AwsFault('ValidationError', `Lifecycle action result must be CONTINUE or ABANDON`);
    }
    if (machine.state === 'Pending:Wait') {
      if (result === 'CONTINUE') machine.state = 'InService';
      else this.#end(machine);
      return;
    }
    if (result === 'ABANDON') this.#abandon(machine);
    else this.#end(machine);
  }

  /** User Guide, lifecycle-hooks-overview.html: past the timeout the default result counts. */
  expire(): void {
    for (const machine of [...this.machines]) {
      if (!machine.state.endsWith(':Wait') || this.#now() < machine.waitsUntilMs) continue;
      const transition = machine.state === 'Pending:Wait' ? 'launching' : 'terminating';
      const hook = this.hooks.find((one) => one.transition === transition);
      if (transition === 'launching') {
        if (hook?.defaultResult === 'CONTINUE') machine.state = 'InService';
        else this.#end(machine);
      } else {
        this.cutOff.push(machine.id);
        if (hook?.defaultResult === 'ABANDON') this.#abandon(machine);
        else this.#end(machine);
      }
    }
  }

  /** User Guide, retrieving-target-lifecycle-state-through-imds.html. */
  targetStateOf(id: string): string | undefined {
    const machine = this.machine(id);
    if (machine === undefined) return 'Terminated';
    return machine.state.startsWith('Terminating') ? 'Terminated' : 'InService';
  }

  #launch(): void {
    this.#count += 1;
    const machine: FakeMachine = {
      id: `i-${String(this.#count).padStart(17, '0')}`,
      state: 'InService',
      isProtected: true,
      launchedAt: new Date(this.#now()),
      template: this.template,
      type: this.type,
      power: 'running',
      waitsUntilMs: 0,
      waitsAtMostUntilMs: 0,
    };
    this.machines.push(machine);
    const hook = this.hooks.find(({ transition }) => transition === 'launching');
    if (hook !== undefined) this.#wait(machine, 'Pending:Wait', hook);
  }

  /** API_LifecycleHook.html, GlobalTimeout: 48 hours or 100 times the heartbeat timeout. */
  #wait(machine: FakeMachine, state: LifecycleState, { heartbeatTimeout }: FakeHook): void {
    machine.state = state;
    machine.waitsUntilMs = this.#now() + heartbeatTimeout * 1000;
    machine.waitsAtMostUntilMs = this.#now() + Math.min(172_800, 100 * heartbeatTimeout) * 1000;
  }

  /** Both calls answer alike where nothing waits at the hook. */
  #waiting(hookName: string, id: string): { machine: FakeMachine; hook: FakeHook } {
    this.expire();
    const hook = this.hooks.find(({ name }) => name === hookName);
    const machine = this.machine(id);
    const state = hook?.transition === 'launching' ? 'Pending:Wait' : 'Terminating:Wait';
    if (hook === undefined || machine?.state !== state) {
      throw new AwsFault('ValidationError', `${FIRST_ERROR} ${id}`);
    }
    return { machine, hook };
  }

  #abandon(machine: FakeMachine): void {
    if (this.#onAbandon === 'retain') machine.state = 'Terminating:Retained';
    else this.#end(machine);
  }

  #end(machine: FakeMachine): void {
    machine.power = 'terminated';
    this.machines.splice(this.machines.indexOf(machine), 1);
  }
}
