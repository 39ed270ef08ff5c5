import { join } from 'node:path';
import type { Logger } from 'pino';
import { KeyRing } from '../api/key-ring';
import { LINK_PROTOCOL } from '../cluster/link/link';
import { TlsLinkClient } from '../cluster/link/link-client';
import type { LinkAddress } from '../cluster/node-record';
import { NodeWatch } from '../cluster/node-watch';
import { choosePlacement, type PlacementDecision } from '../cluster/placement';
import { RedisRegistry } from '../cluster/redis/redis-registry';
import { SENTINELS_FILE } from '../cluster/redis/sentinel-list';
import type { SharedRedis } from '../cluster/redis/shared-redis';
import type { ClusterSnapshot, Registry } from '../cluster/registry';
import { SharedKeys } from '../cluster/shared-keys';
import type { SluiceConfig } from '../contract';
import type { JobStore } from '../jobs/job-store';
import { RedisJobStore } from '../jobs/store/redis-job-store';
import type { Closers } from './closers';
import { followKeyFile } from './keys-and-config';

/** What every node of a cluster has, whatever its role. */
export interface ClusterParts {
  readonly registry: Registry;
  /** For further stores of the cluster; the registry closes it. */
  readonly shared: SharedRedis;
  readonly jobs: JobStore;
  /** `host:port` of the Sentinels of its Redis; none: it has none. */
  readonly sentinels: () => readonly string[];
  readonly link: TlsLinkClient;
  readonly watch: NodeWatch;
  readonly sharedKeys: SharedKeys;
  readonly keys: KeyRing;
}

/** Which node a new Room goes to. */
export type Choose = (snapshot: ClusterSnapshot, exclude: ReadonlySet<string>) => PlacementDecision;

/** Connects to what the cluster shares. Redis may still be away: then it is tried again. */
export async function joinCluster(
  config: SluiceConfig,
  log: Logger,
  closers: Closers,
): Promise<ClusterParts> {
  const { cluster } = config.sluice;
  // As systemd makes it for the unit of the node.
  const stateFolder = process.env['STATE_DIRECTORY'];
  const registry = await RedisRegistry.connect({
    redis: config.redis,
    clusterName: cluster.name,
    log,
    ...(stateFolder !== undefined && { sentinelsFile: join(stateFolder, SENTINELS_FILE) }),
  });
  closers.add(() => registry.close());
  const { shared } = registry;
  const jobs = new RedisJobStore(shared);
  closers.add(() => jobs.close());
  const { secret, previous_secret: previousSecret, name: clusterName } = cluster;
  const link = new TlsLinkClient({ secret, previousSecret, clusterName });
  closers.add(() => link.close());
  const watch = new NodeWatch({ registry, link, log });
  watch.onLost(({ record }) => {
    // Who has taken its place is reached at the same address, and has clients of its own.
    if (record.link !== undefined && !isTaken(watch, record.link)) {
      link.destroyAll(record.link);
    }
  });
  closers.add(() => watch.close());
  const sharedKeys = new SharedKeys({ registry, clusterSecret: secret, previousSecret, log });
  closers.add(() => sharedKeys.close());
  await sharedKeys.refresh();
  const keys = new KeyRing({ configured: config.keys, shared: sharedKeys });
  closers.add(() => keys.close());
  followKeyFile(config, keys, log, closers);
  const sentinels = () => registry.sentinels;
  return { registry, shared, jobs, sentinels, link, watch, sharedKeys, keys };
}

const isTaken = (watch: NodeWatch, { host, port }: LinkAddress): boolean =>
  watch.mediaNodes().some(({ record }) => record.link.host === host && record.link.port === port);

/** Where Rooms go, by this configuration. */
export const placementBy =
  ({ node_selector, sluice, region }: SluiceConfig): Choose =>
  (snapshot, exclude) =>
    choosePlacement({
      snapshot,
      selector: node_selector,
      ledger: sluice.ledger,
      region,
      exclude,
      linkProtocol: LINK_PROTOCOL,
      random: Math.random,
    });
