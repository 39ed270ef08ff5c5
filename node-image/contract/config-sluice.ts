import { ownAgentsSchema } from './config-agents';
import { cloudSchema } from './config-cloud';
import {
  clusterSchema,
  drainSchema,
  ledgerSchema,
  loadScope,
  nodeLinkSchema,
  role,
  scalingSchema,
} from './config-cluster';
import { jobsSchema } from './config-jobs';
import { cidrs, section, text, whole } from './config-values';
import { MAX_WORKERS } from './ports';

const perSecond = (byDefault: number) => whole(byDefault, 0, 10_000_000, 'a second');
const bitrate = (byDefault: number) => whole(byDefault, 0, 100_000_000_000, 'bit/s');

/** What LiveKit has no key for. */
export const sluiceSchema = section({
  /** What this node does: single everything, master or media its part of a cluster. @default single */
  role,
  cluster: clusterSchema,
  node_link: nodeLinkSchema,
  drain: drainSchema,
  scaling: scalingSchema,
  cloud: cloudSchema,
  ledger: ledgerSchema,
  jobs: jobsSchema,
  /** Workers of agents that nodes with Rooms start and look after. @default none */
  agents: ownAgentsSchema,
  /** Whose load counts: the machine's, or where several nodes share it, its own processes'. @default machine */
  load_scope: loadScope,
  /** The name of the machine in the group that is scaled. */
  machine_id: text(),
  /** mediasoup workers; 0: as many as the machine has cores. At most 64. @default 0 */
  workers: whole(0, 0, MAX_WORKERS),
  /**
   * Tracks that a worker sends, one to each who receives it, from which on further subscribers of a
   * large Room receive from other workers; 0: a Room stays on one worker. @default 500
   */
  tracks_per_worker: whole(500, 0, 1_000_000),
  /**
   * Socket of the HAProxy on this machine, which is told there which Media Nodes take TURN/TLS; empty:
   * something else passes it on. @default /run/sluice/haproxy/admin.sock
   */
  entry_socket: text('/run/sluice/haproxy/admin.sock'),
  /** Proxies whose X-Forwarded-For is believed. @default none */
  trusted_proxies: cidrs(),
  /** Joins a second from one address; 0: no limit. @default 50 */
  joins_per_second_by_address: perSecond(50),
  /** Joins a second with one API key; 0: no limit. @default 500 */
  joins_per_second_by_key: perSecond(500),
  /** Joins being worked on at a time; 0: no limit. @default 1000 */
  pending_handshakes: whole(1000, 0, 10_000_000),
  /** Signal messages a second from one participant; 0: no limit. @default 500 */
  signal_messages_per_second: perSecond(500),
  /** Data messages a second from one participant; 0: no limit. @default 2000 */
  data_messages_per_second: perSecond(2000),
  /** What a subscriber is sent before its bandwidth is known, bit/s. @default 10000000 */
  initial_outgoing_bitrate: bitrate(10_000_000),
  /** What one publisher may send, bit/s; 0: no limit. @default 0 */
  max_incoming_bitrate: bitrate(0),
}).prefault({});
