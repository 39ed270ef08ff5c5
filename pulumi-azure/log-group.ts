import * as monitor from '@pulumi/azure-native/monitor';
import * as operationalinsights from '@pulumi/azure-native/operationalinsights';
import * as pulumi from '@pulumi/pulumi';
import type { PlaceArgs } from './place';
import { checkLogGroup } from './private/machine-checks';
import { placed } from './private/placed';
import { checkedText, Problems } from './private/validation';

/** Choices for where machines send the journal of their services. */
export interface LogGroupOptions {
  /**
   * Id of a Log Analytics workspace of yours, of the same region.
   *
   * @default - an own one
   */
  readonly existingWorkspaceId?: pulumi.Input<string>;

  /**
   * For how long lines are kept; days, 4 to 730. The first 31 cost nothing.
   *
   * @default 30
   */
  readonly retentionDays?: number;
}

/** Arguments of a log group. */
export interface LogGroupArgs extends PlaceArgs, LogGroupOptions {}

/** The table that lines are in. */
export const LOG_TABLE = 'Sluice_CL';

/** What machines send lines as. */
export const LOG_STREAM = `Custom-${LOG_TABLE}`;

/** Of the table, and of what is sent; for a time they have other words. */
const COLUMNS = {
  TimeGenerated: ['dateTime', 'datetime'],
  Computer: ['string', 'string'],
  Service: ['string', 'string'],
  Message: ['string', 'string'],
} as const;

const columnsOf = (side: 0 | 1): { readonly name: string; readonly type: string }[] =>
  Object.entries(COLUMNS).map(([name, types]) => ({ name, type: types[side] }));

const WORKSPACE_ID =
  /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/providers\/Microsoft\.OperationalInsights\/workspaces\/([^/]+)$/i;

/**
 * Where the machines of a cluster send the journal of their services: the table `Sluice_CL` of a Log
 * Analytics workspace. Costs about 2.80 USD for each GB that is sent; what nobody sends costs nothing.
 */
export class LogGroup extends pulumi.ComponentResource {
  /** Id of the workspace. */
  public readonly workspaceId: pulumi.Output<string>;
  /** Id of the rule by which lines come in: who may publish by it, may do nothing else. */
  public readonly ruleId: pulumi.Output<string>;
  /** What boot.json of machines says of it. @internal */
  public readonly _target: pulumi.Output<{
    readonly endpoint: string;
    readonly rule: string;
    readonly stream: string;
  }>;

  constructor(name: string, args: LogGroupArgs, opts?: pulumi.ComponentResourceOptions) {
    super('sluice:azure:LogGroup', name, {}, opts);
    const { existingWorkspaceId, retentionDays = 30 } = args;
    const problems = new Problems(name);
    checkLogGroup(args, problems);
    problems.throwIfAny();
    const where =
      existingWorkspaceId !== undefined
        ? this.#existing(existingWorkspaceId)
        : this.#workspace(name, args, retentionDays);
    this.workspaceId = where.id;
    const table = new operationalinsights.Table(
      `${name}-table`,
      {
        resourceGroupName: where.resourceGroupName,
        workspaceName: where.workspaceName,
        tableName: LOG_TABLE,
        retentionInDays: retentionDays,
        totalRetentionInDays: retentionDays,
        schema: { name: LOG_TABLE, columns: columnsOf(0) },
      },
      { parent: this },
    );
    const endpoint = new monitor.DataCollectionEndpoint(
      `${name}-endpoint`,
      {
        ...placed(args),
        networkAcls: {
          publicNetworkAccess: monitor.KnownPublicNetworkAccessOptions.Enabled,
        },
      },
      { parent: this },
    );
    const rule = new monitor.DataCollectionRule(
      `${name}-rule`,
      {
        ...placed(args),
        dataCollectionEndpointId: endpoint.id,
        streamDeclarations: { [LOG_STREAM]: { columns: columnsOf(1) } },
        destinations: {
          logAnalytics: [{ name: 'workspace', workspaceResourceId: this.workspaceId }],
        },
        dataFlows: [
          {
            streams: [LOG_STREAM],
            destinations: ['workspace'],
            transformKql: 'source',
            outputStream: LOG_STREAM,
          },
        ],
      },
      { parent: this, dependsOn: [table] },
    );
    this.ruleId = rule.id;
    this._target = pulumi
      .all([endpoint.logsIngestion, rule.immutableId])
      .apply(([ingestion, immutableId]) => ({
        endpoint: ingestion?.endpoint ?? '',
        rule: immutableId,
        stream: LOG_STREAM,
      }));
    this.registerOutputs({ workspaceId: this.workspaceId });
  }

  #workspace(name: string, args: LogGroupArgs, retentionInDays: number): Workspace {
    const workspace = new operationalinsights.Workspace(
      `${name}-workspace`,
      {
        ...placed(args),
        sku: { name: operationalinsights.WorkspaceSkuNameEnum.PerGB2018 },
        // A workspace takes no less; the table has its own.
        retentionInDays: Math.max(30, retentionInDays),
      },
      { parent: this },
    );
    const { id, name: workspaceName } = workspace;
    return { id, workspaceName, resourceGroupName: args.resourceGroupName };
  }

  #existing(given: pulumi.Input<string>): Workspace {
    const id = checkedText(
      'logGroup.existingWorkspaceId',
      given,
      WORKSPACE_ID,
      'the id of a workspace, /subscriptions/…/workspaces/NAME',
    );
    const part = (index: number) => id.apply((text) => WORKSPACE_ID.exec(text)?.[index] ?? '');
    return { id, resourceGroupName: part(2), workspaceName: part(3) };
  }
}

interface Workspace {
  readonly id: pulumi.Output<string>;
  readonly resourceGroupName: pulumi.Input<string>;
  readonly workspaceName: pulumi.Output<string>;
}
