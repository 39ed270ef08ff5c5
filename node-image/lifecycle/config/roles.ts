import { SHORTEST_CLUSTER_SECRET, type SluiceConfig } from '../../contract';
import type { Interfaces } from '../listen-addresses';
import { findNodeLinkAddress, isPrivateAddress } from '../node-link-address';
import { at, type ConfigDraft } from './draft';

const HOST_AND_PORT = /^(?:\[[\da-f:.]+\]|[^\s:[\]]+):(\d{1,5})$/i;

/** Decides where the node link of a Media Node listens, where the configuration does not say. */
export function withNodeLink(config: SluiceConfig, interfaces: Interfaces): SluiceConfig {
  const { role, node_link } = config.sluice;
  if (role !== 'media' || node_link.address !== '') {
    return config;
  }
  const address = findNodeLinkAddress(interfaces) ?? '';
  return { ...config, sluice: { ...config.sluice, node_link: { ...node_link, address } } };
}

/** What a Master or Media Node cannot do without. */
export function checkRole(config: SluiceConfig, draft: ConfigDraft): void {
  const { role } = config.sluice;
  if (role === 'single') {
    return;
  }
  const node = role === 'master' ? 'a Master Node' : 'a Media Node';
  checkRedis(config, draft, node);
  checkSecret(config, draft, node);
  if (role === 'media') {
    checkNodeLink(config, draft);
  }
}

function checkRedis({ redis }: SluiceConfig, draft: ConfigDraft, node: string): void {
  const given = {
    address: redis.address === '' ? [] : [redis.address],
    sentinel_addresses: redis.sentinel_addresses,
    cluster_addresses: redis.cluster_addresses,
  };
  const kinds = Object.entries(given).filter(([, addresses]) => addresses.length > 0);
  if (kinds.length === 0) {
    draft.problems.push(
      `${node} needs the Redis of its cluster, and none is given; allowed is redis.address, redis.sentinel_addresses with redis.sentinel_master_name, or redis.cluster_addresses`,
    );
  }
  if (kinds.length > 1) {
    const names = kinds.map(([name]) => `redis.${name}`).join(' and ');
    draft.problems.push(
      `${origin(draft, 'redis')}${names} are given together; allowed is one of them`,
    );
  }
  for (const [name, addresses] of kinds) {
    for (const address of addresses) {
      const port = Number(HOST_AND_PORT.exec(address)?.[1]);
      if (!(port >= 1 && port <= 65535)) {
        draft.problems.push(
          `${origin(draft, 'redis', name)}redis.${name} is given as ${JSON.stringify(address)}; allowed is host:port, such as 10.0.0.5:6379 or [fd00::5]:6379`,
        );
      }
    }
  }
}

function checkSecret({ sluice }: SluiceConfig, draft: ConfigDraft, node: string): void {
  const { secret, previous_secret, secret_file } = sluice.cluster;
  const ways =
    'sluice.cluster.secret_file, SLUICE_CLUSTER_SECRET or sluice.cluster.secret, the same on all nodes';
  if (secret.length === 0) {
    draft.problems.push(
      `${node} needs the secret of its cluster, and none is given; allowed are ${SHORTEST_CLUSTER_SECRET} characters or more in ${ways} (openssl rand -hex 32 makes one)`,
    );
    return;
  }
  const given = [
    ['the secret of the cluster', secret],
    ['the secret of the cluster before', previous_secret],
  ] as const;
  for (const [what, { length }] of given) {
    if (length === 0 || length >= SHORTEST_CLUSTER_SECRET) continue;
    const key = secret_file === '' ? 'secret' : 'secret_file';
    draft.problems.push(
      `${origin(draft, 'sluice', 'cluster', key)}${what} has ${length} characters (not shown); allowed are ${SHORTEST_CLUSTER_SECRET} or more in ${ways} (openssl rand -hex 32 makes one)`,
    );
  }
}

function checkNodeLink({ sluice }: SluiceConfig, draft: ConfigDraft): void {
  const { address, port } = sluice.node_link;
  const allowed =
    'a private one: 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, fc00::/7, loopback or link-local';
  if (address === '') {
    draft.problems.push(
      `a Media Node is reached by the others at sluice.node_link.address, and this machine has no private address to choose; allowed is ${allowed}`,
    );
  } else if (!isPrivateAddress(address)) {
    draft.problems.push(
      `${origin(draft, 'sluice', 'node_link', 'address')}sluice.node_link.address is given as ${JSON.stringify(address)}; allowed is an address of this machine, and ${allowed}`,
    );
  }
  if (port === 0) {
    draft.problems.push(
      `${origin(draft, 'sluice', 'node_link', 'port')}sluice.node_link.port is given as 0; allowed is 1 to 65535, as a Media Node is reached through nothing else`,
    );
  }
}

const origin = (draft: ConfigDraft, ...path: string[]): string => at(draft.originOf(path));
