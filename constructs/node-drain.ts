import { Duration } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { LIFECYCLE_HOOKS } from '../node-image/contract';
import { grantComplete } from './private/group-control';
import { Problems } from './private/validation';

/** What happens to a Media Node that is not empty when its deadline is over. */
export enum OnDeadline {
  /** The last Rooms are moved at once, whatever they lose, and the machine ends. */
  FORCE = 'force',
  /**
   * The machine is kept, out of the group, until somebody ends it: it goes on costing, and the
   * group cannot be deleted before it is gone.
   */
  RETAIN = 'keep',
}

/** How Media Nodes leave. */
export interface DrainOptions {
  /**
   * How long Rooms may end by themselves before those left are moved to other nodes.
   *
   * @default Duration.minutes(15)
   */
  readonly patience?: Duration;

  /**
   * How long leaving may take in all; at most 48 hours, which is as long as AWS waits.
   *
   * @default Duration.hours(1)
   */
  readonly deadline?: Duration;

  /**
   * What happens to a node that is not empty by then.
   *
   * @default OnDeadline.FORCE
   */
  readonly onDeadline?: OnDeadline;
}

/** Properties of a drain. */
export interface NodeDrainProps extends DrainOptions {
  /**
   * Name of the Auto Scaling Group whose machines leave. It is a name and no group, so that queue
   * and rules are there before the first machine.
   */
  readonly autoScalingGroupName: string;

  /**
   * Key that the queues are encrypted with. EventBridge has to be let use it, which is done here
   * for a key of the same app.
   *
   * @default - keys of SQS, at no cost
   */
  readonly encryptionKey?: kms.IKey;
}

/** AWS keeps a machine that waits at a hook no longer than this, however often it is asked. */
const LONGEST_WAIT = Duration.hours(48);
const DEFAULT_PATIENCE = Duration.minutes(15);
const DEFAULT_DEADLINE = Duration.hours(1);

/**
 * A heartbeat of a machine that leaves: AWS waits 100 of them, so 48 hours need 1728 s or more; the
 * agent sends one in a third of the time.
 */
const TERMINATING_TIMEOUT = Duration.minutes(30);

/**
 * A machine that does not serve after so long is given up, and another one started. The agent gives
 * up sooner, but for the first ones, which may wait for Redis to be made.
 */
const LAUNCHING_TIMEOUT = Duration.minutes(30);

/**
 * Lets Media Nodes leave without dropping a call: hooks that hold a machine until its node is
 * empty, and a queue in which the controller reads what AWS says of the machines, for where the
 * machine's own agent does not.
 */
export class NodeDrain extends Construct {
  /** What AWS says of the machines; read by the controller on the Master Nodes. */
  readonly queue: sqs.Queue;

  /** What could not be delivered, or was read five times in vain. */
  readonly deadLetterQueue: sqs.Queue;

  /** How long Rooms may end by themselves. */
  readonly patience: Duration;

  /** How long leaving may take in all. */
  readonly deadline: Duration;

  /** What happens to a node that is not empty by then. */
  readonly onDeadline: OnDeadline;

  private readonly groupName: string;

  constructor(scope: Construct, id: string, props: NodeDrainProps) {
    super(scope, id);
    this.patience = props.patience ?? DEFAULT_PATIENCE;
    this.deadline = props.deadline ?? DEFAULT_DEADLINE;
    this.onDeadline = props.onDeadline ?? OnDeadline.FORCE;
    this.groupName = props.autoScalingGroupName;
    const problems = new Problems(this);
    problems.duration('drain.deadline', props.deadline, {
      min: Duration.minutes(1),
      max: LONGEST_WAIT,
      fix: 'shorten it; with onDeadline OnDeadline.RETAIN the machine is kept after it',
    });
    problems.orderedDurations('drain.patience', this.patience, 'drain.deadline', this.deadline);
    problems.report();

    const encryption = props.encryptionKey
      ? { encryption: sqs.QueueEncryption.KMS, encryptionMasterKey: props.encryptionKey }
      : { encryption: sqs.QueueEncryption.SQS_MANAGED };
    this.deadLetterQueue = new sqs.Queue(this, 'DeadLetters', {
      ...encryption,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    this.queue = new sqs.Queue(this, 'Notices', {
      ...encryption,
      enforceSSL: true,
      // What is older is known from the group by then.
      retentionPeriod: Duration.hours(4),
      receiveMessageWaitTime: Duration.seconds(20),
      visibilityTimeout: Duration.minutes(1),
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount: 5 },
    });
    this.defineRules();
  }

  /**
   * Lets the controller read the notices, and let machines go that wait at a hook: those that are
   * dead do not do it themselves.
   */
  grantControl(grantee: iam.IGrantable): iam.Grant {
    return this.queue.grantConsumeMessages(grantee).combine(this.grantComplete(grantee));
  }

  /** Lets a machine say that it still drains, and that it is done. */
  grantComplete(grantee: iam.IGrantable): iam.Grant {
    return grantComplete(this, grantee, this.groupName);
  }

  /**
   * Gives a group the hooks, in its own definition: its first machines have them, too.
   *
   * @param group The group of the name that this was made with.
   */
  attachTo(group: autoscaling.CfnAutoScalingGroup): void {
    const retain = this.onDeadline === OnDeadline.RETAIN;
    group.lifecycleHookSpecificationList = [
      {
        lifecycleHookName: LIFECYCLE_HOOKS.launching,
        lifecycleTransition: 'autoscaling:EC2_INSTANCE_LAUNCHING',
        heartbeatTimeout: LAUNCHING_TIMEOUT.toSeconds(),
        // A machine that does not say that it serves does not serve.
        defaultResult: 'ABANDON',
      },
      {
        lifecycleHookName: LIFECYCLE_HOOKS.terminating,
        lifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
        heartbeatTimeout: TERMINATING_TIMEOUT.toSeconds(),
        // A machine that says nothing any more has no calls; what is kept is told by ABANDON.
        defaultResult: retain ? 'ABANDON' : 'CONTINUE',
      },
    ];
    if (retain) {
      group.instanceLifecyclePolicy = { retentionTriggers: { terminateHookAbandon: 'retain' } };
    }
  }

  /** Notices that reached nobody: above 0, look at the controller and at the dead letters. */
  metricNoticesLost(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.deadLetterQueue.metricApproximateNumberOfMessagesVisible({
      statistic: 'Maximum',
      ...options,
    });
  }

  /** Age of the oldest notice that nobody has read, in seconds. */
  metricOldestNotice(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.queue.metricApproximateAgeOfOldestMessage({ statistic: 'Maximum', ...options });
  }

  private defineRules(): void {
    const ofGroup = { AutoScalingGroupName: [this.groupName] };
    this.rule('Lifecycle', 'Machines of the group that wait at a hook', {
      source: ['aws.autoscaling'],
      detailType: [
        'EC2 Instance-launch Lifecycle Action',
        'EC2 Instance-terminate Lifecycle Action',
      ],
      detail: ofGroup,
    });
    // These three name a machine and not its group: the controller drops those of others.
    this.rule('Spot', 'Spot machines that AWS takes back', {
      source: ['aws.ec2'],
      detailType: [
        'EC2 Spot Instance Interruption Warning',
        'EC2 Instance Rebalance Recommendation',
      ],
    });
    this.rule('State', 'Machines that end without asking', {
      source: ['aws.ec2'],
      detailType: ['EC2 Instance State-change Notification'],
      detail: { state: ['stopping', 'stopped', 'shutting-down', 'terminated'] },
    });
  }

  private rule(id: string, description: string, eventPattern: events.EventPattern): void {
    new events.Rule(this, id, {
      description,
      eventPattern,
      targets: [
        new targets.SqsQueue(this.queue, {
          deadLetterQueue: this.deadLetterQueue,
          maxEventAge: Duration.hours(1),
        }),
      ],
    });
  }
}
