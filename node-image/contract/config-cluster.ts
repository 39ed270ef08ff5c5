import {
  decimal,
  duration,
  oneOf,
  port,
  secret,
  section,
  text,
  texts,
  whole,
} from './config-values';
import { PORTS } from './ports';
import { ROLES } from './roles';

/** What the nodes of one cluster have in common. */
export const clusterSchema = section({
  /** Keeps clusters that share a Redis apart; the same on all nodes of one. @default sluice */
  name: text('sluice'),
  /**
   * Proves to one node that the other belongs to the cluster; 32 characters or more, the same on
   * all nodes. Prefer secret_file or SLUICE_CLUSTER_SECRET.
   */
  secret: secret(),
  /**
   * The secret before, which is taken from others as well while the nodes are given a new one.
   * Prefer a second line in secret_file, or in SLUICE_CLUSTER_SECRET. @default - none
   */
  previous_secret: secret(),
  /** File of the secret, closed to other users; on a second line the secret before. */
  secret_file: text(),
}).prefault({});

/** Where the Master Nodes reach a Media Node. Private: nothing else may. */
export const nodeLinkSchema = section({
  /** @default 7870 */
  port: port(PORTS.nodeLink),
  /** Address to listen on, and that the others are told. @default - the first private one */
  address: text(),
}).prefault({});

/** How a Media Node leaves, where whoever asks does not say otherwise. */
export const drainSchema = section({
  /** How long Rooms may end by themselves before the rest are moved; milliseconds here. @default 15m */
  patience: duration('15m'),
  /** How long it may take in all; milliseconds here. @default 1h */
  deadline: duration('1h'),
  /** What happens to Rooms that are left then: force ends them, keep waits on. @default force */
  on_deadline: oneOf(['force', 'keep'], 'force'),
}).prefault({});

const nodes = (byDefault: number) => whole(byDefault, 1, 1000);
const targetLoad = decimal(0.6, 0.05, 1);
const headroomRooms = whole(2, 0, 100_000);

/** How many Media Nodes the controller wants. */
export const scalingSchema = section({
  /**
   * What starts and stops the machines: none, local (processes of `sluice up`), aws (the Auto
   * Scaling Group sluice.cloud.media_group), azure (the scale set of that name), webhook (a web
   * server of yours) or exec (a program of yours). @default none
   */
  group: oneOf(['none', 'local', 'aws', 'azure', 'webhook', 'exec'], 'none'),
  /** For local: the socket that `sluice up` answers on. */
  group_socket: text(),
  /** For webhook: what is asked for machines; https, or http on this machine. */
  group_url: text(),
  /** For webhook: which of the API keys signs. */
  group_api_key: text(),
  /** For exec: an absolute path, and arguments that come before what is asked. @default none */
  group_command: texts(),
  /** For webhook and exec: how long one answer may take; milliseconds here. @default 30s */
  group_timeout: duration('30s'),
  /** For webhook and exec: how long nothing is asked for after a no; milliseconds here. @default 5m */
  group_retry_after: duration('5m'),
  /**
   * For webhook and exec: a machine whose node died is to be removed when no other one has run there
   * for so long; milliseconds here. @default 10m
   */
  group_dead_after: duration('10m'),
  /**
   * Of an Auto Scaling Group, its own minimum and maximum hold instead of these two; of a scale set of
   * Azure, its tags `sluice:min-nodes` and `sluice:max-nodes`. @default 1
   */
  min_nodes: nodes(1),
  /** @default 4 */
  max_nodes: nodes(4),
  /**
   * Load of a node, 0 to 1, that the cluster is kept below by growing. Of a cloud's group, its tag
   * `sluice:target-load` holds instead. @default 0.6
   */
  target_load: targetLoad,
  /**
   * Room for so many more Rooms is kept free. Of a cloud's group, its tag `sluice:headroom-rooms`
   * holds instead. @default 2
   */
  headroom_rooms: headroomRooms,
  /** How long the load must allow it before a node is taken away; milliseconds here. @default 5m */
  scale_in_after: duration('5m'),
  /** How often it is decided; milliseconds here. @default 5s */
  interval: duration('5s'),
}).prefault({});

/** What may stand in SCALING_TAGS: the same as in sluice.scaling. */
export const SCALING_RANGES = {
  minNodes: rangeOf(nodes(1)),
  maxNodes: rangeOf(nodes(1)),
  targetLoad: rangeOf(targetLoad),
  headroomRooms: rangeOf(headroomRooms),
};

/** What a Room and the jobs of a node reserve before their load can be measured. */
export const ledgerSchema = section({
  /** CPU cores that a new Room is expected to take. @default 0.1 */
  room_cpu_cost: decimal(0.1, 0, 64),
  /** Bytes a second that a new Room is expected to move. @default 500000 */
  room_bandwidth_cost: whole(500_000, 0, 100_000_000_000, 'bytes/s'),
  /** Bytes of memory that a new Room is expected to take. @default 8000000 */
  room_memory_cost: whole(8_000_000, 0, 1_000_000_000_000, 'bytes'),
  /** Share of the disk, 0 to 1, that is in use at most; above it a node is taken last. @default 0.95 */
  disk_limit: decimal(0.95, 0, 1),
  /** Bytes a second that the machine's network carries; 0: not known. @default 0 */
  bandwidth_limit: whole(0, 0, 100_000_000_000_000, 'bytes/s'),
  /** Disk that is looked at. @default / */
  disk_path: text('/'),
}).prefault({});

/** Which processes count as a node's load: all of the machine's, or its own. */
export const loadScope = oneOf(['machine', 'processes'], 'machine');

/** What a node can do in its cluster: everything, the steady side, or the elastic side. @default single */
export const role = oneOf(ROLES, 'single');

/** A cluster secret that is shorter could be guessed. Characters. */
export const SHORTEST_CLUSTER_SECRET = 32;

/** A value without its default, and what is allowed in words. */
function rangeOf(value: ReturnType<typeof decimal> | ReturnType<typeof whole>) {
  const schema = value.unwrap();
  return { schema, allowed: schema.meta()?.allowed };
}
