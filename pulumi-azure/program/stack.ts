import type { Cluster } from '../cluster';
import { ElasticCluster } from '../elastic-cluster';
import { HighAvailabilityCluster } from '../high-availability-cluster';
import { SingleNode } from '../single-node';
import type { ProgramSettings } from './settings';

/** Makes what the configuration asks for. */
export function deploy(settings: ProgramSettings): Cluster {
  const { kind, location, resourceGroupName, domain, zones, mediaNodes } = settings;
  const common = { location, resourceGroupName, domain };
  const cluster = {
    ...common,
    masterNodes: { vmSize: settings.masterVmSize, zones },
    mediaNodes: { ...mediaNodes, zones },
  };
  switch (kind) {
    case 'singleNode': {
      const { vmSize, architecture } = mediaNodes;
      return new SingleNode('sluice', { ...common, zones, vmSize, architecture });
    }
    case 'elastic':
      return new ElasticCluster('sluice', cluster);
    case 'highAvailability':
      return new HighAvailabilityCluster('sluice', cluster);
    default:
      throw new Error(
        `sluice:kind: got ${JSON.stringify(kind)}, allowed is elastic, highAvailability or singleNode; correct it by \`pulumi config set sluice:kind\``,
      );
  }
}
