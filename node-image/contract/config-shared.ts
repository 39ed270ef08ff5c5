import { type ConfigKey, keyAt } from './config-tree';

/** A key that each node has in its own file, and that a cluster cannot announce. */
export interface OwnKey {
  /** With dots, lists left out: `redis` stands for all keys below it too. */
  readonly path: string;
  /** Why, as the end of the sentence "it cannot be announced, because ...". */
  readonly reason: string;
}

const own = (reason: string, ...paths: readonly string[]): OwnKey[] =>
  paths.map((path) => ({ path, reason }));

/**
 * What a running cluster's announced configuration must not hold; secrets are refused wherever they
 * stand. Everything else may be announced, and wins over the nodes' files.
 */
export const OWN_KEYS: readonly OwnKey[] = [
  ...own('API keys are secret; `sluice keys` adds and retires them', 'keys', 'key_file'),
  ...own('a node finds what was announced in this Redis', 'redis'),
  ...own('it says what this node is, not what the cluster does', 'sluice.role', 'development'),
  ...own('it is how nodes know that they belong together', 'sluice.cluster'),
  ...own(
    'ports are those that firewalls and load balancers were set up for',
    'port',
    'prometheus_port',
    'prometheus',
    'rtc.udp_port',
    'rtc.tcp_port',
    'rtc.port_range_start',
    'rtc.port_range_end',
    'turn.tls_port',
    'turn.udp_port',
    'turn.relay_range_start',
    'turn.relay_range_end',
    'ingress.rtmp_port',
    'ingress.rtmps_port',
    'ingress.rtmp_proxy_port',
    'sluice.node_link',
  ),
  ...own(
    'addresses and interfaces are those of one machine',
    'bind_addresses',
    'rtc.node_ip',
    'rtc.ips',
    'rtc.interfaces',
    'turn.bind_addresses',
    'ingress.bind_addresses',
  ),
  ...own(
    'it is about one machine and the place that it is in',
    'region',
    'sluice.machine_id',
    'sluice.cloud',
    'sluice.load_scope',
    'sluice.workers',
    'sluice.ledger.bandwidth_limit',
  ),
  ...own(
    'it says who is trusted with the machines',
    'sluice.scaling.group_command',
    'sluice.scaling.group_url',
    'sluice.scaling.group_api_key',
  ),
  ...own('it says which programs a machine starts', 'sluice.agents'),
  ...own(
    'files and sockets are those of one machine',
    'turn.cert_file',
    'turn.key_file',
    'rtc.turn_servers.secret_file',
    'sluice.scaling.group',
    'sluice.scaling.group_socket',
    'sluice.entry_socket',
    'sluice.ledger.disk_path',
  ),
];

/** Keys that mean the same, `[deprecated, current]`: where one is announced, it stands for both. */
export const DEPRECATED_KEYS: readonly (readonly [string, string])[] = [
  ['log_level', 'logging.level'],
  ['room.max_metadata_size', 'limit.max_metadata_size'],
  ['room.max_room_name_length', 'limit.max_room_name_length'],
  ['room.max_participant_identity_length', 'limit.max_participant_identity_length'],
];

/**
 * Why a key cannot be announced to a whole cluster.
 *
 * @param tree - all keys, as `configTree()` gives them
 * @returns undefined where it can.
 */
export function ownKeyReason(tree: ConfigKey, path: readonly PropertyKey[]): string | undefined {
  const name = path.filter((step) => typeof step !== 'number').join('.');
  const found = OWN_KEYS.find((each) => name === each.path || name.startsWith(`${each.path}.`));
  if (found !== undefined) {
    return found.reason;
  }
  return keyAt(tree, path)?.secret === true
    ? 'it is a secret, and what is announced is no secret'
    : undefined;
}
