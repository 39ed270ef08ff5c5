/** One of each kind, as the golden lists and the checks of inputs have it. */
import { Domain, ElasticCluster, HighAvailabilityCluster, SingleNode } from '../../../pulumi-azure';
import { inWorld, type World } from './world';

const domain = Domain.dnsZone('meet.example.com', 'example.com', { termsAgreed: true });
const location = 'westeurope';

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
    const cluster = new HighAvailabilityCluster('meet', { location, domain, logGroup: {} });
    cluster.observability.addAlarms({ emails: ['ops@example.com'] });
    cluster.observability.addDashboard();
  });
