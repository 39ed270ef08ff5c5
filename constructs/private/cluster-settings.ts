import { Aws } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import {
  redisSettings as settingsOf,
  BEHIND_OWN_HAPROXY as TRUSTED,
} from '../../node-image/contract';
import { NodeSettings } from '../node-config';
import type { IRedisStore } from '../redis-store-existing';
import { nameInStack } from './names';
import { numberText } from './validation';

/** What sluice.yaml of every node says of the Redis they share. Its password is fetched at boot. */
export function redisSettings(scope: IConstruct, redis: IRedisStore): NodeSettings {
  return NodeSettings.fromObject(
    settingsOf({
      address: `${redis.host}:${numberText(redis.port)}`,
      tls: redis.tls,
      username: redis.username,
      clusterMode: redis.clusterMode,
      // So that clusters that share a Redis of yours are kept apart.
      clusterName: `${Aws.STACK_NAME}-${nameInStack(scope)}`,
    }),
  );
}

/** HAProxy on the same machine says who the client is. */
export const BEHIND_OWN_HAPROXY = NodeSettings.fromObject(TRUSTED);
