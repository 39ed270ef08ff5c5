import * as portal from '@pulumi/azure-native/portal';
import type * as pulumi from '@pulumi/pulumi';
import type { AzureMetric } from '../observability';
import type { PlaceArgs } from '../place';
import { plainName } from './names';
import { placed } from './placed';

/** One graph of a dashboard. */
export interface Graph {
  readonly title: string;
  readonly metrics: readonly AzureMetric[];
}

/** By their numbers in the portal. */
const AGGREGATIONS: Readonly<Record<AzureMetric['aggregation'], number>> = {
  Total: 1,
  Minimum: 2,
  Maximum: 3,
  Average: 4,
};

/** Of the portal's grid: two graphs beside each other. */
const WIDTH = 8;
const HEIGHT = 4;
const LINE_CHART = 2;
const SIX_HOURS_MS = 6 * 3_600_000;

/**
 * Graphs in the portal, which costs nothing.
 *
 * Source: learn.microsoft.com, "The structure of Azure dashboards".
 */
export function dashboard(
  name: string,
  args: PlaceArgs & { readonly graphs: readonly Graph[] },
  parent: pulumi.Resource,
): portal.Dashboard {
  return new portal.Dashboard(
    name,
    {
      ...placed(args),
      dashboardName: plainName(name, 64),
      properties: {
        lenses: [
          {
            order: 0,
            parts: args.graphs.map((graph, index) => ({
              position: {
                x: (index % 2) * WIDTH,
                y: Math.floor(index / 2) * HEIGHT,
                colSpan: WIDTH,
                rowSpan: HEIGHT,
              },
              metadata: chart(graph),
            })),
          },
        ],
      },
    },
    { parent },
  );
}

function chart({ title, metrics }: Graph) {
  return {
    type: 'Extension/HubsExtension/PartType/MonitorChartPart',
    inputs: ['options', 'sharedTimeRange'].map((name) => ({ name, isOptional: true })),
    settings: {
      content: {
        options: {
          chart: {
            title,
            titleKind: 2,
            metrics: metrics.map(({ resourceId, namespace, name, aggregation }) => ({
              resourceMetadata: { id: resourceId },
              namespace,
              name,
              aggregationType: AGGREGATIONS[aggregation],
            })),
            visualization: { chartType: LINE_CHART },
            timespan: { relative: { duration: SIX_HOURS_MS } },
          },
        },
      },
    },
  };
}
