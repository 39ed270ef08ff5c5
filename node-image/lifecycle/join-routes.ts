import type { FastifyPluginAsync } from 'fastify';
import type { Logger } from 'pino';
import { type AdminPluginOptions, adminPlugin } from '../api/cluster/admin-plugin';
import { joinPlugin } from '../api/cluster/join-plugin';
import { joinTokenRoutes } from '../api/cluster/join-token-routes';
import { type JoinGrant, JoinReader } from '../cluster/join-channel';
import { JoinTokens } from '../cluster/join-tokens';
import type { Registry } from '../cluster/registry';
import type { SluiceConfig } from '../contract';
import { addressGroup, ClientAddresses } from '../signaling/client-address';
import { derivedSecret } from './derived-secret';
import { isTurnTlsPassedOn } from './turn-entry';

export interface JoinRoutesOptions {
  readonly config: SluiceConfig;
  readonly nodeId: string;
  readonly registry: Registry;
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
  return [
    adminPlugin({
      tokens,
      log,
      routes: joinTokenRoutes({
        tokens: joinTokens,
        publicKey: reader.publicKey,
        audit: (text) => registry.audit({ by: nodeId, text }),
      }),
    }),
    joinPlugin({
      reader,
      tokens: joinTokens,
      registry,
      nodeId,
      grant: () => grantOf(config),
      addressOf: (request) => addressGroup(addresses.of(request)),
      log,
    }),
  ];
}

/** What a node needs to be one of the cluster, as this node has it. */
export function grantOf(config: SluiceConfig): JoinGrant {
  const {
    keys,
    redis,
    turn,
    sluice: { cluster },
  } = config;
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
      sentinelAddresses: [...redis.sentinel_addresses],
      clusterAddresses: [...redis.cluster_addresses],
    },
    redisPasswordIsDerived: isDerived,
    turnDomain: isTurnTlsPassedOn(config) ? turn.domain : '',
  };
}
