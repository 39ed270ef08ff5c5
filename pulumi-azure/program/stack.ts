import type { Cluster } from '../cluster';
import { ElasticCluster } from '../elastic-cluster';
import { HighAvailabilityCluster } from '../high-availability-cluster';
import { SingleNode } from '../single-node';
import type { ProgramSettings } from './settings';

/** Makes what the configuration asks for. */
export function deploy(settings: ProgramSettings): Cluster {
  const { kind, location, resourceGroupName, domain, zones, mediaNodes, jobs, logGroup } = settings;
  const common = { location, resourceGroupName, domain, logGroup };
  const cluster = {
    ...common,
    masterNodes: { vmSize: settings.masterVmSize, zones },
    mediaNodes: { ...mediaNodes, zones, jobs },
  };
  switch (kind) {
    case 'singleNode': {
      const { vmSize, architecture } = mediaNodes;
      return new SingleNode('sluice', { ...common, zones, vmSize, architecture, jobs });
    }
    case 'highAvailability':
      return watched(new HighAvailabilityCluster('sluice', cluster), settings);
    default: {
      const dataVolume = { retain: settings.retainData };
      return watched(new ElasticCluster('sluice', { ...cluster, dataVolume }), settings);
    }
  }
}

/** What costs something is made where it was asked for. */
function watched<T extends ElasticCluster | HighAvailabilityCluster>(
  cluster: T,
  { alarms }: ProgramSettings,
): T {
  if (alarms) cluster.observability.addAlarms(alarms);
  return cluster;
}
