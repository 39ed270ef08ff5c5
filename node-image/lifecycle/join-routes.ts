import type { FastifyPluginAsync } from 'fastify';
import type { Logger } from 'pino';
import { type AdminPluginOptions, adminPlugin } from '../api/cluster/admin-plugin';
import { joinPlugin } from '../api/cluster/join-plugin';
import { joinTokenRoutes } from '../api/cluster/join-token-routes';
import { type JoinGrant, JoinReader } from '../cluster/join-channel';
import { type JoinRole, JoinTokens } from '../cluster/join-tokens';
import type { Registry } from '../cluster/registry';
import { SharedEntries } from '../cluster/shared-entry';
import type { SluiceConfig } from '../contract';
import { addressGroup, ClientAddresses } from '../signaling/client-address';
import { derivedSecret } from './derived-secret';
import { jobsOf } from './own-machines/own-jobs';
import { ownSentinel } from './own-machines/own-sentinel';
import { isTurnTlsPassedOn } from './turn-entry';

export interface JoinRoutesOptions {
  readonly config: SluiceConfig;
  readonly nodeId: string;
  readonly registry: Registry;
  /** `host:port` of the Sentinels that there are. */
  readonly sentinels: () => readonly string[];
  readonly tokens: AdminPluginOptions['tokens'];
  readonly log: Logger;
}

/** The routes by which own machines become nodes: join tokens for admins, joining for who has one. */
export function joinRoutes(options: JoinRoutesOptions): FastifyPluginAsync[] {
  const { config, nodeId, registry, tokens, log } = options;
  const { cluster, trusted_proxies: trustedProxies } = config.sluice;
  const joinTokens = new JoinTokens({ registry, clusterSecret: cluster.secret });
  const reader = new JoinReader(cluster.secret);
  const addresses = new ClientAddresses({ trustedProxies });
  const { secret: clusterSecret, name: clusterName } = cluster;
  const entries = new SharedEntries({ registry, clusterSecret, clusterName });
  const takesMasters = ownSentinel(config) !== undefined;
  const grant = async (role: JoinRole): Promise<JoinGrant> => ({
    ...grantOf(config, options.sentinels()),
    ...(role === 'master' && { entry: await entries.read() }),
  });
  return [
    adminPlugin({
      tokens,
      log,
      routes: joinTokenRoutes({
        tokens: joinTokens,
        publicKey: reader.publicKey,
        takesMasters,
        audit: (text) => registry.audit({ by: nodeId, text }),
      }),
    }),
    joinPlugin({
      reader,
      tokens: joinTokens,
      registry,
      nodeId,
      grant,
      takesMasters,
      addressOf: (request) => addressGroup(addresses.of(request)),
      log,
    }),
  ];
}

/**
 * What a node needs to be one of the cluster, as this node has it.
 *
 * @param sentinels - those that there are by now
 */
export function grantOf(
  config: SluiceConfig,
  sentinels: readonly string[] = config.redis.sentinel_addresses,
): JoinGrant {
  const {
    keys,
    redis,
    turn,
    sluice: { cluster },
  } = config;
  const jobs = jobsOf(config);
  const isDerived = redis.password === derivedSecret(cluster.secret, 'redis');
  return {
    clusterName: cluster.name,
    clusterSecret: cluster.secret,
    keys,
    redis: {
      address: redis.address,
      username: redis.username,
      password: isDerived ? '' : redis.password,
      db: redis.db,
      tls: redis.tls.enabled,
      sentinelMasterName: redis.sentinel_master_name,
      sentinelAddresses: [...sentinels],
      clusterAddresses: [...redis.cluster_addresses],
    },
    redisPasswordIsDerived: isDerived,
    turnDomain: isTurnTlsPassedOn(config) ? turn.domain : '',
    ...(jobs !== undefined && { jobs }),
  };
}
