import * as monitor from '@pulumi/azure-native/monitor';
import type * as pulumi from '@pulumi/pulumi';
import { LOG_TABLE, type LogGroup } from '../log-group';
import type { AzureMetric } from '../observability';
import type { PlaceArgs } from '../place';
import { placed, placedGlobally } from './placed';

/** Where alarms are, and whom they tell. */
export interface AlarmPlace extends PlaceArgs {
  readonly name: string;
  /** Ids of action groups. */
  readonly actions: readonly pulumi.Input<string>[];
  readonly parent: pulumi.Resource;
}

/** What is told. One of `above` and `below` is given. */
export interface MetricAlarm {
  readonly description: string;
  readonly metric: AzureMetric;
  readonly above?: number;
  readonly below?: number;
  /** For so long; 5 or 15. */
  readonly minutes: number;
  /** A dimension of the metric: told of each of its values by itself, with its name. */
  readonly each?: string;
}

/** Of 0, critical, to 4, verbose. */
const WARNING = 2;

/** Tells of a metric. Where there are no values, as there is no machine, nothing is told. */
export function metricAlarm(
  what: string,
  place: AlarmPlace,
  { description, metric, above, below, minutes, each }: MetricAlarm,
): monitor.MetricAlert {
  return new monitor.MetricAlert(
    `${place.name}-${what}`,
    {
      ...placedGlobally(place),
      description,
      enabled: true,
      severity: WARNING,
      autoMitigate: true,
      evaluationFrequency: 'PT1M',
      windowSize: `PT${minutes}M`,
      scopes: [metric.resourceId],
      criteria: {
        odataType: 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria',
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion',
            name: what,
            metricNamespace: metric.namespace,
            metricName: metric.name,
            timeAggregation: metric.aggregation,
            operator:
              above === undefined ? monitor.Operator.LessThan : monitor.Operator.GreaterThan,
            threshold: above ?? below ?? 0,
            ...(each !== undefined && {
              dimensions: [{ name: each, operator: 'Include', values: ['*'] }],
            }),
            // A resource that was just made has no values yet.
            skipMetricValidation: true,
          },
        ],
      },
      actions: place.actions.map((actionGroupId) => ({ actionGroupId })),
    },
    { parent: place.parent },
  );
}

/** What a node says when it is not empty in time. Source: node-image/cluster/drain.ts. */
export const OVERDUE = 'the deadline of the drain has passed';

/** What is said of a job that no node takes. Source: node-image/jobs, job-dispatcher.ts, job-reaper.ts. */
export const UNPLACED = ['a job is refused', 'a job ends that nobody runs'] as const;

/** What is told of lines in the journal: of one and more. */
export interface JournalAlarm {
  readonly description: string;
  /** Parts of messages. */
  readonly says: readonly string[];
}

/** Tells of what machines say in the journal. */
export function journalAlarm(
  what: string,
  place: AlarmPlace,
  { description, says }: JournalAlarm,
  logGroup: LogGroup,
): monitor.ScheduledQueryRule {
  const condition = says.map((each) => `Message has "${each}"`).join(' or ');
  return new monitor.ScheduledQueryRule(
    `${place.name}-${what}`,
    {
      ...placed(place),
      kind: 'LogAlert',
      description,
      enabled: true,
      severity: WARNING,
      // One line tells it, so nothing tells its end.
      autoMitigate: false,
      evaluationFrequency: 'PT5M',
      windowSize: 'PT10M',
      scopes: [logGroup.workspaceId],
      // The table may not be known yet when the rule is made.
      skipQueryValidation: true,
      criteria: {
        allOf: [
          {
            query: `${LOG_TABLE} | where ${condition} | project TimeGenerated, Computer, Message`,
            timeAggregation: 'Count',
            operator: monitor.ConditionOperator.GreaterThan,
            threshold: 0,
            failingPeriods: { minFailingPeriodsToAlert: 1, numberOfEvaluationPeriods: 1 },
          },
        ],
      },
      actions: { actionGroups: [...place.actions] },
    },
    { parent: place.parent },
  );
}
