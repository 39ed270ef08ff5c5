import {
  type AutoScalingClient,
  CompleteLifecycleActionCommand,
  DescribeAutoScalingGroupsCommand,
  SetDesiredCapacityCommand,
  TerminateInstanceInAutoScalingGroupCommand,
} from '@aws-sdk/client-auto-scaling';
import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { until } from '../wait';

export interface GroupInstance {
  readonly id: string;
  readonly state: string;
  readonly isProtected: boolean;
  readonly templateVersion: string;
  readonly zone: string;
}

export interface GroupSizes {
  readonly min: number;
  readonly max: number;
  readonly desired: number;
}

/** An Auto Scaling group of the lab, as a test drives it. */
export class LabGroup {
  readonly name: string;
  readonly #client: AutoScalingClient;

  constructor(client: AutoScalingClient, name: string) {
    this.#client = client;
    this.name = name;
  }

  async instances(): Promise<GroupInstance[]> {
    return ((await this.#describe()).Instances ?? []).map((one) => ({
      id: one.InstanceId ?? '',
      state: one.LifecycleState ?? '',
      isProtected: one.ProtectedFromScaleIn ?? false,
      templateVersion: one.LaunchTemplate?.Version ?? '',
      zone: one.AvailabilityZone ?? '',
    }));
  }

  /** How many are in each state, such as `{ InService: 2 }`. */
  async states(): Promise<Readonly<Record<string, number>>> {
    const counts: Record<string, number> = {};
    for (const { state } of await this.instances()) counts[state] = (counts[state] ?? 0) + 1;
    return counts;
  }

  async sizes(): Promise<GroupSizes> {
    const { MinSize = 0, MaxSize = 0, DesiredCapacity = 0 } = await this.#describe();
    return { min: MinSize, max: MaxSize, desired: DesiredCapacity };
  }

  async setDesired(count: number): Promise<void> {
    await this.#client.send(
      new SetDesiredCapacityCommand({
        AutoScalingGroupName: this.name,
        DesiredCapacity: count,
      }),
    );
  }

  async terminate(id: string, decrement: boolean): Promise<void> {
    await this.#client.send(
      new TerminateInstanceInAutoScalingGroupCommand({
        InstanceId: id,
        ShouldDecrementDesiredCapacity: decrement,
      }),
    );
  }

  async complete(
    hook: string,
    who: { readonly InstanceId: string } | { readonly LifecycleActionToken: string },
    result = 'CONTINUE',
  ): Promise<void> {
    await this.#client.send(
      new CompleteLifecycleActionCommand({
        AutoScalingGroupName: this.name,
        LifecycleHookName: hook,
        LifecycleActionResult: result,
        ...who,
      }),
    );
  }

  /** Waits for an instance to be in a state; `gone`: to be in the group no more. */
  async untilState(id: string, state: string, timeoutMs = 10_000): Promise<void> {
    const isThere = async (): Promise<boolean> => {
      const found = (await this.instances()).find((one) => one.id === id)?.state ?? 'gone';
      return found === state;
    };
    const explain = async (): Promise<string> => JSON.stringify(await this.instances());
    await until(`${id} to be ${state}`, isThere, { timeoutMs, explain });
  }

  async #describe() {
    const { AutoScalingGroups = [] } = await this.#client.send(
      new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [this.name] }),
    );
    const [group] = AutoScalingGroups;
    if (group === undefined) throw new Error(`there is no group ${this.name}`);
    return group;
  }
}

/** An event of AWS in a queue. */
export interface LabEvent {
  readonly 'detail-type': string;
  readonly source: string;
  readonly detail: Readonly<Record<string, string>>;
}

/** Takes all events that a queue has now. */
export async function takeEvents(client: SQSClient, queueUrl: string): Promise<LabEvent[]> {
  const { Messages = [] } = await client.send(
    new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 0 }),
  );
  for (const { ReceiptHandle } of Messages) {
    await client.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
  }
  return Messages.map(({ Body = '{}' }) => JSON.parse(Body) as LabEvent);
}

/** How many messages a queue holds, also those that are being worked on. */
export async function waitingMessages(client: SQSClient, queueUrl: string): Promise<number> {
  const { Attributes = {} } = await client.send(
    new GetQueueAttributesCommand({
      QueueUrl: queueUrl,
      AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
    }),
  );
  return Object.values(Attributes).reduce((sum, count) => sum + Number(count), 0);
}
