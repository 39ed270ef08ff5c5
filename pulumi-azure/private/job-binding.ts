import type * as pulumi from '@pulumi/pulumi';
import type { BoundJobs, JobSurroundings, Jobs } from '../jobs';
import type { MediaNodesArgs } from '../media-nodes';
import { sizeOf, zonesOf } from './machine-checks';

/** The jobs of a cluster, or of its only node. */
export function jobsOf(
  name: string,
  jobs: Jobs | undefined,
  around: Omit<JobSurroundings, 'vmSize' | 'isZonal'>,
  machines: Parameters<typeof sizeOf>[1] & { readonly zones?: readonly string[] },
  parent: pulumi.Resource,
): BoundJobs | undefined {
  const isZonal = zonesOf(machines).length > 0;
  return jobs?._bind(name, { ...around, isZonal, vmSize: sizeOf('media', machines) }, parent);
}

/** Those of Media Nodes that are in no cluster of this package. */
export function jobsAlone(
  name: string,
  args: MediaNodesArgs,
  parent: pulumi.Resource,
): BoundJobs | undefined {
  const { jobs, clusterUrl: url, resourceGroupName, location, tags } = args;
  // Master Nodes take encoders, and they are defined elsewhere.
  const place = { resourceGroupName, location, tags, isOwnGroup: false, tls: false };
  return jobsOf(name, jobs, { ...place, url }, args, parent);
}
