import { Aws, Duration, Fn } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { MasterNodes } from './master-nodes';
import type { MediaNodes } from './media-nodes';
import { nameInStack } from './private/names';
import { RedisStore } from './redis-store';
import type { IRedisStore } from './redis-store-existing';
import { SignalingEntry } from './signaling-entry';
import type { ISignalingEntry } from './signaling-entry-existing';

/** What is watched: a cluster has these as properties of the same names. */
export interface ObservabilityProps {
  /** The Media Nodes. */
  readonly mediaNodes: MediaNodes;

  /** The Master Nodes. */
  readonly masterNodes: MasterNodes;

  /**
   * Where clients come in.
   *
   * @default - not watched
   */
  readonly entry?: ISignalingEntry;

  /**
   * The Redis of the nodes. Watched where it is a `RedisStore`.
   *
   * @default - not watched
   */
  readonly redis?: IRedisStore;
}

/** Choices for alarms. */
export interface AlarmOptions {
  /**
   * Whom alarms tell, when they begin and when they end.
   *
   * @default - nobody: they are seen in the console
   */
  readonly actions?: cloudwatch.IAlarmAction[];

  /**
   * Average CPU of the Media Nodes, in percent, above which a group that is as large as it may be is
   * told as having no room left.
   *
   * @default 70
   */
  readonly fullAtCpu?: number;
}

/** Metrics of a cluster in CloudWatch, and on request a dashboard and alarms. By itself it costs nothing. */
export class Observability extends Construct {
  readonly #props: ObservabilityProps;

  constructor(scope: Construct, id: string, props: ObservabilityProps) {
    super(scope, id);
    this.#props = props;
  }

  /**
   * How busy the Media Nodes are, in percent: average CPU, by AWS's count.
   *
   * @default - the average over 1 minute
   */
  metricMediaLoad(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#ofMachines('CPUUtilization', options);
  }

  /**
   * Bytes that Media Nodes send, for each machine and period.
   *
   * @default - the average over 1 minute
   */
  metricMediaNetworkOut(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#ofMachines('NetworkOut', options);
  }

  /** Media Nodes in service. */
  metricMediaNodes(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#props.mediaNodes.metricInService(options);
  }

  /** Media Nodes that leave and wait for their last calls. */
  metricDraining(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#props.mediaNodes.metricTerminating(options);
  }

  /**
   * Master Nodes in service.
   *
   * @default - the minimum over 1 minute
   */
  metricMasterNodes(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#ofMasters('GroupInServiceInstances', options);
  }

  /** Whether the group is as large as it may be: 1 or 0. */
  metricAtMaximum(): cloudwatch.MathExpression {
    const { mediaNodes } = this.#props;
    return new cloudwatch.MathExpression({
      label: 'as many Media Nodes as there may be',
      expression: 'IF(wanted >= most, 1, 0)',
      usingMetrics: {
        wanted: mediaNodes.metric('GroupDesiredCapacity'),
        most: mediaNodes.metric('GroupMaxSize'),
      },
      period: Duration.minutes(1),
    });
  }

  /** A dashboard of one screen. Costs 3 USD a month from the fourth dashboard of the account on. */
  addDashboard(id = 'Dashboard'): cloudwatch.Dashboard {
    const { mediaNodes, entry, redis } = this.#props;
    const graph = (
      title: string,
      left: cloudwatch.IMetric[],
      right: cloudwatch.IMetric[] = [],
      width = 12,
    ) => new cloudwatch.GraphWidget({ title, left, right, width, height: 6 });
    return new cloudwatch.Dashboard(this, id, {
      defaultInterval: Duration.hours(6),
      widgets: [
        [
          graph(
            'Media Nodes',
            [
              this.metricMediaNodes(),
              this.metricDraining(),
              mediaNodes.metric('GroupDesiredCapacity'),
              mediaNodes.metric('GroupMaxSize'),
            ],
            [this.metricMediaLoad()],
          ),
          graph('Sent by each Media Node', [this.metricMediaNetworkOut()]),
        ],
        [
          graph('Master Nodes', [
            this.metricMasterNodes(),
            ...(entry instanceof SignalingEntry ? [entry.metricHealthyMasters()] : []),
          ]),
          graph('Notices of AWS', [
            mediaNodes.drain.metricOldestNotice(),
            mediaNodes.drain.metricNoticesLost(),
          ]),
        ],
        redis instanceof RedisStore
          ? [
              graph('Redis: CPU', [redis.metricEngineCpuUtilization()], [], 8),
              graph('Redis: memory', [redis.metricMemoryUsage()], [], 8),
              graph('Redis: replicas behind', [redis.metricReplicationLag()], [], 8),
            ]
          : [],
      ],
    });
  }

  /**
   * Alarms for what somebody has to look at: a drain that hangs, notices that reach nobody, no room
   * left, Master Nodes that are missing, Redis, and with `jobs` and a `logGroup` jobs that no node
   * took. Each costs 0.10 USD a month for each of its metrics; refused jobs are a metric of 0.30 in
   * months that have any.
   */
  addAlarms(options: AlarmOptions = {}): cloudwatch.Alarm[] {
    const { mediaNodes, masterNodes, redis, entry } = this.#props;
    const { drain } = mediaNodes;
    const alarms = [
      this.#alarm('DrainStuck', {
        alarmDescription: 'A Media Node leaves for longer than its deadline: look at sluice nodes',
        // The lowest number in a period longer than the deadline: one of them never ended in it.
        metric: this.metricDraining({ statistic: 'Minimum', period: longer(drain.deadline) }),
        threshold: 1,
        comparisonOperator: AT_LEAST,
      }),
      this.#alarm('NoticesLost', {
        alarmDescription: 'Notices of AWS about machines reached nobody: look at the dead letters',
        metric: drain.metricNoticesLost(),
        threshold: 1,
        comparisonOperator: AT_LEAST,
      }),
      this.#alarm('NoticesUnread', {
        alarmDescription: 'Nobody reads the notices of AWS: is there a Master Node that leads?',
        metric: drain.metricOldestNotice(),
        threshold: 600,
        comparisonOperator: AT_LEAST,
      }),
      this.#alarm('NoHeadroom', {
        alarmDescription: 'There are as many Media Nodes as there may be, and they are busy',
        metric: new cloudwatch.MathExpression({
          expression: `IF(full == 1 AND load > ${options.fullAtCpu ?? 70}, 1, 0)`,
          usingMetrics: { full: this.metricAtMaximum(), load: this.metricMediaLoad() },
          period: Duration.minutes(1),
          label: 'no headroom',
        }),
        threshold: 1,
        evaluationPeriods: 5,
        comparisonOperator: AT_LEAST,
      }),
      this.#alarm('MasterDown', {
        alarmDescription: 'Master Nodes are missing: the group replaces them, or cannot',
        metric: new cloudwatch.MathExpression({
          expression: 'wanted - serving',
          usingMetrics: {
            wanted: this.#ofMasters('GroupDesiredCapacity'),
            serving:
              entry instanceof SignalingEntry
                ? entry.metricHealthyMasters()
                : this.#ofMasters('GroupInServiceInstances'),
          },
          period: Duration.minutes(1),
          label: `Master Nodes missing in ${masterNodes.node.id}`,
        }),
        threshold: 1,
        evaluationPeriods: 3,
        comparisonOperator: AT_LEAST,
      }),
      ...(redis instanceof RedisStore ? this.#redisAlarms(redis) : []),
      ...(mediaNodes.hasJobs && masterNodes.logGroup
        ? [this.#jobsRefused(masterNodes.logGroup)]
        : []),
    ];
    for (const alarm of alarms) {
      for (const action of options.actions ?? []) {
        alarm.addAlarmAction(action);
        alarm.addOkAction(action);
      }
    }
    return alarms;
  }

  /** Only the journal of Master Nodes says so. */
  #jobsRefused(logGroup: logs.ILogGroup): cloudwatch.Alarm {
    const said = UNPLACED_JOBS.map((text) => logs.FilterPattern.stringValue('$.msg', '=', text));
    const filter = new logs.MetricFilter(this, 'UnplacedJobs', {
      logGroup,
      filterPattern: logs.FilterPattern.any(...said),
      metricNamespace: Fn.join('/', ['Sluice', Aws.STACK_NAME]),
      metricName: `${nameInStack(this)}-UnplacedJobs`,
      metricValue: '1',
    });
    return this.#alarm('JobsRefused', {
      alarmDescription:
        'No Media Node had room for a job: is maxCapacity reached? See sluice explain',
      metric: filter.metric({ statistic: 'Sum', period: Duration.minutes(5) }),
      threshold: 1,
      comparisonOperator: AT_LEAST,
    });
  }

  #redisAlarms(redis: RedisStore): cloudwatch.Alarm[] {
    return [
      this.#alarm('RedisMemory', {
        alarmDescription: 'Redis is nearly full: take a larger node type',
        metric: redis.metricMemoryUsage(),
        threshold: 80,
        evaluationPeriods: 5,
        comparisonOperator: AT_LEAST,
      }),
      this.#alarm('RedisBusy', {
        alarmDescription: 'Redis is busy: new Rooms wait for it',
        metric: redis.metricEngineCpuUtilization(),
        threshold: 80,
        evaluationPeriods: 5,
        comparisonOperator: AT_LEAST,
      }),
      this.#alarm('RedisReplica', {
        alarmDescription:
          'A replica of Redis is behind: a failover would lose what it has not seen',
        metric: redis.metricReplicationLag(),
        threshold: 10,
        evaluationPeriods: 5,
        comparisonOperator: AT_LEAST,
      }),
    ];
  }

  #alarm(
    id: string,
    props: Omit<cloudwatch.AlarmProps, 'evaluationPeriods'> & {
      readonly evaluationPeriods?: number;
    },
  ): cloudwatch.Alarm {
    return new cloudwatch.Alarm(this, id, {
      evaluationPeriods: 1,
      // No machine, no figure: others tell that.
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
      ...props,
    });
  }

  #ofMachines(metricName: string, options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return new cloudwatch.Metric({
      namespace: 'AWS/EC2',
      metricName,
      dimensionsMap: { AutoScalingGroupName: this.#props.mediaNodes.autoScalingGroupName },
      statistic: 'Average',
      period: Duration.minutes(1),
      ...options,
    });
  }

  #ofMasters(metricName: string, options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return new cloudwatch.Metric({
      namespace: 'AWS/AutoScaling',
      metricName,
      dimensionsMap: { AutoScalingGroupName: this.#props.masterNodes.autoScalingGroupName },
      statistic: 'Minimum',
      period: Duration.minutes(1),
      ...options,
    });
  }
}

/** What is said of a job that no node takes. Source: node-image/jobs, job-dispatcher.ts, job-reaper.ts. */
const UNPLACED_JOBS = ['a job is refused', 'a job ends that nobody runs'];

const AT_LEAST = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD;

/** CloudWatch looks back a day at most, and takes periods of whole minutes. */
function longer(deadline: Duration): Duration {
  const minutes = deadline.isUnresolved() ? 60 : Math.ceil(deadline.toMinutes({ integral: false }));
  return Duration.minutes(Math.min(minutes + 10, 24 * 60));
}
