import { secretSettings as settingsOf } from '../../node-image/contract';
import { type NodeSecrets, NodeSettings } from '../node-config';

/** Where sluice.yaml finds the secrets that a machine was given. */
export function secretSettings(secrets: NodeSecrets): NodeSettings {
  return NodeSettings.fromObject(
    settingsOf({ apiKey: secrets.apiKey !== undefined, cluster: secrets.cluster !== undefined }),
  );
}
