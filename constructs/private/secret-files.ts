import { type NodeSecrets, NodeSettings } from '../node-config';

/** Where boot puts the secrets of a machine: in memory, for the node's user alone. */
export const SECRET_FILES = '/run/sluice/secrets';

/** Where sluice.yaml finds the secrets that a machine was given. */
export function secretSettings(secrets: NodeSecrets): NodeSettings {
  return NodeSettings.fromObject({
    ...(secrets.apiKey ? { key_file: `${SECRET_FILES}/api_key` } : {}),
    ...(secrets.cluster ? { sluice: { cluster: { secret_file: `${SECRET_FILES}/cluster` } } } : {}),
  });
}
