import { Aws } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { NodeSettings } from '../node-config';
import type { IRedisStore } from '../redis-store-existing';
import { nameInStack } from './names';
import { numberText } from './validation';

/** What sluice.yaml of every node says of the Redis they share. Its password is fetched at boot. */
export function redisSettings(scope: IConstruct, redis: IRedisStore): NodeSettings {
  const address = `${redis.host}:${numberText(redis.port)}`;
  return NodeSettings.fromObject({
    redis: {
      ...(redis.clusterMode ? { cluster_addresses: [address] } : { address }),
      ...(redis.username !== undefined && { username: redis.username }),
      ...(redis.tls && { tls: { enabled: true } }),
    },
    // So that clusters that share a Redis of yours are kept apart.
    sluice: { cluster: { name: `${Aws.STACK_NAME}-${nameInStack(scope)}` } },
  });
}

/** HAProxy on the same machine says who the client is. */
export const BEHIND_OWN_HAPROXY = NodeSettings.fromObject({
  sluice: { trusted_proxies: ['127.0.0.1/32', '::1/128'] },
});
