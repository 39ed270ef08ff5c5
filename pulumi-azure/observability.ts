import * as monitor from '@pulumi/azure-native/monitor';
import type * as portal from '@pulumi/azure-native/portal';
import * as pulumi from '@pulumi/pulumi';
import type { LogGroup } from './log-group';
import type { MasterNodes } from './master-nodes';
import type { MediaNodes } from './media-nodes';
import type { PlaceArgs } from './place';
import {
  type AlarmPlace,
  journalAlarm,
  type MetricAlarm,
  metricAlarm,
  OVERDUE,
  UNPLACED,
} from './private/alarms';
import { dashboard } from './private/dashboard';
import { placedGlobally } from './private/placed';
import { Problems } from './private/validation';
import { RedisStore } from './redis-store';
import type { RedisConnection } from './redis-store-existing';
import type { SignalingEntry } from './signaling-entry';

/** What is watched: a cluster has these as properties of the same names. */
export interface ObservabilityArgs extends PlaceArgs {
  /** The Media Nodes. */
  readonly mediaNodes: MediaNodes;

  /** The Master Nodes. */
  readonly masterNodes: MasterNodes;

  /**
   * Where clients come in.
   *
   * @default - the machines of the Master Nodes are watched instead
   */
  readonly entry?: SignalingEntry;

  /**
   * The Redis of the nodes. Watched where it is a `RedisStore`.
   *
   * @default - not watched
   */
  readonly redis?: RedisConnection;

  /**
   * Where the machines send their journal.
   *
   * @default - nothing is told that only the journal says: drains that hang, jobs that are refused
   */
  readonly logGroup?: LogGroup;
}

/** Choices for alarms. */
export interface AlarmOptions {
  /**
   * Ids of action groups that alarms tell, when they begin and when they end.
   *
   * @default - nobody: they are seen in the portal
   */
  readonly actions?: readonly pulumi.Input<string>[];

  /**
   * Addresses that alarms write to, by an action group of their own.
   *
   * @default - none
   */
  readonly emails?: readonly string[];

  /**
   * Average CPU of the Media Nodes, in percent, above which a group that is as large as it may be is
   * told as having no room left.
   *
   * @default 70
   */
  readonly fullAtCpu?: number;
}

/** A metric of Azure Monitor, as alerts, dashboards and workbooks take it. */
export interface AzureMetric {
  /** Id of the resource that it is of. */
  readonly resourceId: pulumi.Output<string>;
  /** Such as `Microsoft.Compute/virtualMachineScaleSets`. */
  readonly namespace: string;
  readonly name: string;
  /** How values of a period become one. */
  readonly aggregation: 'Average' | 'Minimum' | 'Maximum' | 'Total';
}

const SETS = 'Microsoft.Compute/virtualMachineScaleSets';
const REDIS = 'Microsoft.Cache/redisEnterprise';

/**
 * Metrics of a cluster in Azure Monitor, and on request a dashboard and alarms. By itself it costs nothing.
 *
 * Source: learn.microsoft.com, "Supported metrics with Azure Monitor", by type of resource.
 */
export class Observability extends pulumi.ComponentResource {
  readonly #name: string;
  readonly #args: ObservabilityArgs;

  constructor(name: string, args: ObservabilityArgs, opts?: pulumi.ComponentResourceOptions) {
    super('sluice:azure:Observability', name, {}, opts);
    this.#name = name;
    this.#args = args;
    this.registerOutputs({});
  }

  /** How busy the Media Nodes are, in percent: average CPU, by Azure's count. */
  metricMediaLoad(): AzureMetric {
    return this.#ofMediaNodes('Percentage CPU', 'Average');
  }

  /** Bytes that Media Nodes send, all together in a period. */
  metricMediaNetworkOut(): AzureMetric {
    return this.#ofMediaNodes('Network Out Total', 'Total');
  }

  /**
   * Master Nodes that serve: percentage of health probes that are answered where there is a load
   * balancer, else 1 or 0 by whether the machine runs.
   */
  metricMasterNodes(): AzureMetric {
    const { entry, masterNodes } = this.#args;
    if (entry !== undefined) {
      return {
        resourceId: entry.loadBalancer.id,
        namespace: 'Microsoft.Network/loadBalancers',
        name: 'DipAvailability',
        aggregation: 'Average',
      };
    }
    const { virtualMachine, scaleSet } = masterNodes;
    return {
      resourceId: pulumi.output(virtualMachine?.id ?? scaleSet?.id ?? ''),
      namespace: virtualMachine ? 'Microsoft.Compute/virtualMachines' : SETS,
      name: 'VmAvailabilityMetric',
      aggregation: 'Average',
    };
  }

  /** A dashboard of one screen in the portal, for all who may read the resource group. Costs nothing. */
  addDashboard(name = `${this.#name}-dashboard`): portal.Dashboard {
    const { redis } = this.#args;
    const graphs = [
      { title: 'Media Nodes: CPU', metrics: [this.metricMediaLoad()] },
      { title: 'Sent by Media Nodes', metrics: [this.metricMediaNetworkOut()] },
      { title: 'Master Nodes', metrics: [this.metricMasterNodes()] },
      ...(redis instanceof RedisStore
        ? [
            { title: 'Redis: load', metrics: [ofRedis(redis, 'serverLoad')] },
            { title: 'Redis: memory', metrics: [ofRedis(redis, 'usedmemorypercentage')] },
          ]
        : []),
    ];
    return dashboard(name, { ...this.#args, graphs }, this);
  }

  /**
   * Alarms for what somebody has to look at: no room left, Master Nodes that are missing, Redis, and,
   * where the journal is sent on, a drain that hangs, and jobs that no machine took. Each costs 0.10 USD a
   * month, `master-down` that for each Master Node behind a load balancer, those of the journal 0.50.
   *
   * @throws RunError that names all that is wrong with the options.
   */
  addAlarms(
    options: AlarmOptions = {},
  ): readonly (monitor.MetricAlert | monitor.ScheduledQueryRule)[] {
    const { emails = [], fullAtCpu = 70 } = options;
    const problems = new Problems(this.#name);
    problems.number('fullAtCpu', fullAtCpu, { min: 1, max: 100 });
    for (const email of emails) {
      problems.matches(
        'emails',
        email,
        /^[^\s@]+@[^\s@]+\.[^\s@]+$/,
        'addresses such as a@b.example',
      );
    }
    problems.throwIfAny();
    const { redis, logGroup } = this.#args;
    const actions = [
      ...(options.actions ?? []),
      ...(emails.length > 0 ? [this.#actionGroup(emails).id] : []),
    ];
    const place = { ...this.#args, name: this.#name, actions, parent: this };
    return [
      metricAlarm('no-headroom', place, {
        description: 'Media Nodes are busy for longer than growing takes: is maxCapacity reached?',
        metric: this.metricMediaLoad(),
        above: fullAtCpu,
        // A new node takes minutes, and the controller asks for one long before.
        minutes: 15,
      }),
      metricAlarm('master-down', place, this.#masterDown()),
      ...(redis instanceof RedisStore
        ? [
            metricAlarm('redis-memory', place, {
              description: 'Redis is nearly full: take a larger skuName',
              metric: ofRedis(redis, 'usedmemorypercentage'),
              above: 80,
              minutes: 5,
            }),
            metricAlarm('redis-busy', place, {
              description: 'Redis is busy: new Rooms wait for it',
              metric: ofRedis(redis, 'serverLoad'),
              above: 80,
              minutes: 5,
            }),
          ]
        : []),
      ...(logGroup === undefined ? [] : this.#journalAlarms(place, logGroup)),
    ];
  }

  /** What the journal alone says. */
  #journalAlarms(place: AlarmPlace, logGroup: LogGroup): readonly monitor.ScheduledQueryRule[] {
    const stuck = {
      description: 'A Media Node leaves for longer than its deadline: look at sluice nodes',
      says: [OVERDUE],
    };
    const unplaced = {
      description: 'No machine had room for a job: is maxCapacity reached? See sluice explain',
      says: UNPLACED,
    };
    return [
      journalAlarm('drain-stuck', place, stuck, logGroup),
      ...(this.#args.mediaNodes.hasJobs
        ? [journalAlarm('jobs-refused', place, unplaced, logGroup)]
        : []),
    ];
  }

  /** Not well for most of the time, which a restart does not take. */
  #masterDown(): MetricAlarm {
    const metric = this.metricMasterNodes();
    if (this.#args.entry === undefined) {
      const description = 'The machine of the Master Node does not run: nobody can join';
      return { description, metric, below: 0.5, minutes: 5 };
    }
    return {
      // Its probe asks the node, through HAProxy: a process that is down answers as little as a machine.
      description: 'A Master Node does not answer: its process or its machine is down',
      metric,
      below: 50,
      minutes: 5,
      each: 'BackendIPAddress',
    };
  }

  #actionGroup(emails: readonly string[]): monitor.ActionGroup {
    return new monitor.ActionGroup(
      `${this.#name}-actions`,
      {
        ...placedGlobally(this.#args),
        enabled: true,
        // In what is sent; at most 12 characters.
        groupShortName: 'sluice',
        emailReceivers: emails.map((emailAddress) => ({
          name: emailAddress,
          emailAddress,
          useCommonAlertSchema: true,
        })),
      },
      { parent: this },
    );
  }

  #ofMediaNodes(name: string, aggregation: AzureMetric['aggregation']): AzureMetric {
    return {
      resourceId: this.#args.mediaNodes.scaleSet.id,
      namespace: SETS,
      name,
      aggregation,
    };
  }
}

const ofRedis = ({ cluster }: RedisStore, name: string): AzureMetric => ({
  resourceId: cluster.id,
  namespace: REDIS,
  name,
  aggregation: 'Maximum',
});
