import type { Logger } from 'pino';
import { TokenMinter } from '../api/token-minter';
import type { NodeGroup } from '../cluster/node-group';
import { ExecProvisioner } from '../cluster/provisioner/exec-provisioner';
import type { Provisioner } from '../cluster/provisioner/provisioner';
import { ProvisionerGroup } from '../cluster/provisioner/provisioner-group';
import { WebhookProvisioner } from '../cluster/provisioner/webhook-provisioner';
import type { SluiceConfig } from '../contract';
import type { ClusterParts } from './cluster-parts';

const TOKEN_SECONDS = 5 * 60;

export interface ProvisionedGroupOptions {
  readonly config: SluiceConfig;
  readonly nodeId: string;
  readonly parts: Pick<ClusterParts, 'registry' | 'keys' | 'watch'>;
  readonly log: Logger;
}

/** The group whose machines somebody else starts and stops; undefined: it is not of that kind. */
export function provisionedGroup(options: ProvisionedGroupOptions): NodeGroup | undefined {
  const { config, nodeId, parts, log } = options;
  const { scaling } = config.sluice;
  if (scaling.group !== 'webhook' && scaling.group !== 'exec') return undefined;
  return new ProvisionerGroup({
    kind: scaling.group,
    provisioner: provisionerOf(options),
    registry: parts.registry,
    nodeId,
    limits: { min: scaling.min_nodes, max: scaling.max_nodes },
    retryAfterMs: scaling.group_retry_after,
    deadAfterMs: scaling.group_dead_after,
    everyMs: scaling.interval,
    isAlive: (machineId) =>
      parts.watch.nodes().some(({ record }) => record.machineId === machineId),
    log,
  });
}

function provisionerOf({ config, parts }: ProvisionedGroupOptions): Provisioner {
  const { scaling, cluster } = config.sluice;
  const common = { timeoutMs: scaling.group_timeout, clusterName: cluster.name };
  if (scaling.group === 'exec') {
    return new ExecProvisioner({ ...common, command: scaling.group_command });
  }
  const { group_url: url, group_api_key: apiKey } = scaling;
  const tokens = new TokenMinter({ keys: parts.keys });
  return new WebhookProvisioner({
    ...common,
    url,
    sign: async (sha256) => {
      // Another key would be refused, and nobody would know why.
      if (parts.keys.secretOf(apiKey) === undefined) {
        throw new Error(
          `sluice.scaling.group_api_key is "${apiKey}", which is none of the API keys of this cluster`,
        );
      }
      return tokens.mint(apiKey, { sha256 }, TOKEN_SECONDS);
    },
  });
}
