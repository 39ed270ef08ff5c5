/** One of each kind, as the golden lists and the checks of inputs have it. */
import {
  Domain,
  ElasticCluster,
  HighAvailabilityCluster,
  Jobs,
  Recordings,
  SingleNode,
} from '../../../pulumi-azure';
import { inWorld, type World } from './world';

const domain = Domain.dnsZone('meet.example.com', 'example.com', { termsAgreed: true });
const location = 'westeurope';
const MINE = '/subscriptions/s/resourceGroups/mine/providers';

export const KINDS = {
  SingleNode: () => new SingleNode('meet', { location, domain }),
  ElasticCluster: () => new ElasticCluster('meet', { location, domain }),
  HighAvailabilityCluster: () => new HighAvailabilityCluster('meet', { location, domain }),
} as const;

export type Kind = keyof typeof KINDS;

export const ALL_KINDS = Object.keys(KINDS) as readonly Kind[];

export const shipped = (kind: Kind): Promise<World> => inWorld(KINDS[kind]);

/** All that is made on request beside a cluster. */
export const watched = (): Promise<World> =>
  inWorld(() => {
    const recordings = Recordings.create({
      retentionDays: 30,
      encryptionKey: { vaultId: `${MINE}/Microsoft.KeyVault/vaults/mine`, keyName: 'recordings' },
    });
    const jobs = Jobs.builtIn({ recordings, rtmp: true });
    const cluster = new HighAvailabilityCluster('meet', {
      ...{ location, domain, logGroup: {} },
      mediaNodes: { jobs },
    });
    cluster.observability.addAlarms({ emails: ['ops@example.com'] });
    cluster.observability.addDashboard();
  });
