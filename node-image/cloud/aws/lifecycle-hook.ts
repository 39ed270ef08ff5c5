import {
  type AutoScalingClient,
  CompleteLifecycleActionCommand,
  DescribeLifecycleHooksCommand,
  RecordLifecycleActionHeartbeatCommand,
} from '@aws-sdk/client-auto-scaling';
import { awsErrorName } from './clients';

/** As the API has it where a hook says nothing else. Source: PutLifecycleHook, HeartbeatTimeout. */
const DEFAULT_TIMEOUT_S = 3600;
/** However often a heartbeat comes. Source: LifecycleHook, GlobalTimeout. */
const MOST_HOURS_S = 172_800;
const MOST_HEARTBEATS = 100;

/** How long a machine may wait at a hook. */
export interface HookTimes {
  /** Without a heartbeat, ms. */
  readonly heartbeatMs: number;
  /** In all, however often there is a heartbeat, ms. */
  readonly inAllMs: number;
}

/** What becomes of a machine: at a launching hook ABANDON ends it. */
export type HookResult = 'CONTINUE' | 'ABANDON';

export interface LifecycleHookOptions {
  readonly client: AutoScalingClient;
  /** Name of the Auto Scaling Group. */
  readonly group: string;
  /** Name of the hook. */
  readonly hook: string;
}

/**
 * A lifecycle hook of an Auto Scaling Group: where its machines wait until somebody says go on.
 *
 * Every method rejects with what the SDK says, after its own attempts.
 */
export class LifecycleHook {
  readonly #options: LifecycleHookOptions;

  constructor(options: LifecycleHookOptions) {
    this.#options = options;
  }

  /** @returns undefined where the group has no such hook. */
  async times(): Promise<HookTimes | undefined> {
    const { client, group, hook } = this.#options;
    const { LifecycleHooks = [] } = await client.send(
      new DescribeLifecycleHooksCommand({
        AutoScalingGroupName: group,
        LifecycleHookNames: [hook],
      }),
    );
    const [found] = LifecycleHooks;
    if (found === undefined) return undefined;
    const { HeartbeatTimeout = DEFAULT_TIMEOUT_S, GlobalTimeout } = found;
    const inAll = GlobalTimeout ?? Math.min(MOST_HOURS_S, MOST_HEARTBEATS * HeartbeatTimeout);
    return { heartbeatMs: HeartbeatTimeout * 1000, inAllMs: inAll * 1000 };
  }

  /** Says that the machine needs more time. @returns false where it waits at the hook no more. */
  heartbeat(instanceId: string): Promise<boolean> {
    const { client, group, hook } = this.#options;
    return isWaited(
      client.send(
        new RecordLifecycleActionHeartbeatCommand({
          AutoScalingGroupName: group,
          LifecycleHookName: hook,
          InstanceId: instanceId,
        }),
      ),
    );
  }

  /** Lets the machine go on. @returns false where it did not wait: somebody has done so before. */
  complete(instanceId: string, result: HookResult): Promise<boolean> {
    const { client, group, hook } = this.#options;
    return isWaited(
      client.send(
        new CompleteLifecycleActionCommand({
          AutoScalingGroupName: group,
          LifecycleHookName: hook,
          InstanceId: instanceId,
          LifecycleActionResult: result,
        }),
      ),
    );
  }
}

/** The API answers alike where an action is over and where there never was one. */
async function isWaited(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    const isOver =
      awsErrorName(error) === 'ValidationError' &&
      /no active lifecycle action/i.test(error instanceof Error ? error.message : '');
    if (isOver) return false;
    throw error;
  }
}
