import type { Duration } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import { Construct } from 'constructs';
import { GroupCalls } from './private/group-calls';
import { Problems } from './private/validation';

/** Limits of the number of Media Nodes from a time on. */
export interface MediaSchedule {
  /** When, such as `autoscaling.Schedule.cron({ weekDay: 'MON-FRI', hour: '8', minute: '0' })`. */
  readonly schedule: autoscaling.Schedule;

  /**
   * Time zone of the schedule, such as `Europe/Berlin`.
   *
   * @default UTC
   */
  readonly timeZone?: string;

  /**
   * So many at least from then on.
   *
   * @default - as before
   */
  readonly minCapacity?: number;

  /**
   * So many at most from then on; those above it are drained, not cut off.
   *
   * @default - as before
   */
  readonly maxCapacity?: number;
}

/** How the number of Media Nodes follows the load. */
export interface MediaScalingOptions {
  /**
   * Load of the nodes, 0.05 to 1, that the cluster is kept below by growing: the largest of CPU,
   * network and what Rooms have reserved.
   *
   * @default 0.6
   */
  readonly targetLoad?: number;

  /**
   * Room for so many more Rooms is kept free.
   *
   * @default 2
   */
  readonly headroomRooms?: number;

  /**
   * How long the load must allow it before a node is drained.
   *
   * @default Duration.minutes(5)
   */
  readonly scaleInAfter?: Duration;

  /**
   * Average CPU of the group, in percent, above which AWS itself adds machines, whatever the
   * controller does: the net under a controller that is dead. It never takes one away. 0 leaves it
   * out; else two CloudWatch alarms come with it, 0.20 USD a month.
   *
   * @default 80
   */
  readonly cpuNet?: number;

  /**
   * Other limits at other times.
   *
   * @default - the same limits always
   */
  readonly schedules?: MediaSchedule[];
}

/** Properties of the scaling of a group. */
export interface MediaScalingProps extends MediaScalingOptions {
  /** The group. */
  readonly autoScalingGroup: autoscaling.AutoScalingGroup;

  /**
   * Name of the group as it is known before the group is there.
   *
   * @default - the group's own
   */
  readonly autoScalingGroupName?: string;

  /**
   * Machines right after the group is made; counts at creation only.
   *
   * @default - the minimum
   */
  readonly initialCapacity?: number;
}

/**
 * The part of scaling that is AWS's: the controller decides, and the group only does what it is
 * told. The group never shrinks by itself, moves no machines between zones, and a deployment never
 * sets its size.
 */
export class MediaScaling extends Construct {
  constructor(scope: Construct, id: string, props: MediaScalingProps) {
    super(scope, id);
    const { autoScalingGroup: group } = props;
    check(this, props);
    group.protectNewInstancesFromScaleIn();
    new GroupCalls(this, 'Calls', {
      autoScalingGroup: group,
      autoScalingGroupName: props.autoScalingGroupName ?? group.autoScalingGroupName,
      ...(props.initialCapacity === undefined ? {} : { initialCapacity: props.initialCapacity }),
    });
    if (props.cpuNet !== 0) {
      group.scaleOnCpuUtilization('CpuNet', {
        targetUtilizationPercent: props.cpuNet ?? 80,
        disableScaleIn: true,
      });
    }
    for (const [i, each] of (props.schedules ?? []).entries()) {
      if (each.minCapacity === undefined && each.maxCapacity === undefined) continue;
      group.scaleOnSchedule(`Schedule${i}`, {
        schedule: each.schedule,
        ...(each.timeZone === undefined ? {} : { timeZone: each.timeZone }),
        ...(each.minCapacity === undefined ? {} : { minCapacity: each.minCapacity }),
        ...(each.maxCapacity === undefined ? {} : { maxCapacity: each.maxCapacity }),
      });
    }
  }
}

function check(scope: Construct, props: MediaScalingProps): void {
  const problems = new Problems(scope);
  problems.number('scaling.targetLoad', props.targetLoad, { min: 0.05, max: 1 });
  problems.integer('scaling.headroomRooms', props.headroomRooms, { min: 0, max: 100_000 });
  if (props.cpuNet !== 0) {
    problems.number('scaling.cpuNet', props.cpuNet, { min: 10, max: 100 });
  }
  for (const [i, each] of (props.schedules ?? []).entries()) {
    const name = `scaling.schedules[${i}]`;
    problems.integer(`${name}.minCapacity`, each.minCapacity, { min: 1, max: 1000 });
    problems.integer(`${name}.maxCapacity`, each.maxCapacity, { min: 1, max: 1000 });
    problems.ordered(
      `${name}.minCapacity`,
      each.minCapacity,
      `${name}.maxCapacity`,
      each.maxCapacity,
    );
    problems.check(each.minCapacity !== undefined || each.maxCapacity !== undefined, {
      what: name,
      given: 'neither minCapacity nor maxCapacity',
      allowed: 'one of them or both',
      fix: 'say what is to be different from then on, or leave the schedule out',
    });
  }
  problems.report();
}
