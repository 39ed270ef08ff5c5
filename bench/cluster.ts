/** A cluster of real processes to measure: Redis, Master Nodes, Media Nodes, all on one address. */
import { AccessToken, RoomServiceClient } from 'livekit-server-sdk';
import { AdminClient } from '../node-image/api/cluster/admin-client';
import { NodeProcess } from '../test/support/cluster-process';
import { startRedis, type TestRedis } from '../test/support/redis';
import { until } from '../test/support/wait';

const KEY = 'bench';
const SECRET = 'a-secret-of-the-bench-that-is-long-enough';
const CLUSTER_SECRET = 'the-secret-of-a-cluster-of-the-bench-0123';
/** First of the ports of each kind. */
const PORTS = { http: 7880, health: 7980, link: 7870, udp: 7900, tcp: 8000 };
/** A new registry places nothing for some seconds. */
const PLACING_WITHIN_MS = 40_000;

export interface BenchClusterOptions {
  readonly masters: number;
  readonly mediaNodes: number;
  /** That everything binds. */
  readonly address: string;
}

export interface BenchMaster {
  readonly url: string;
  readonly pid: number;
}

export class BenchCluster {
  readonly masters: readonly BenchMaster[];
  readonly admin: AdminClient;
  readonly #redis: TestRedis;
  readonly #nodes: readonly NodeProcess[];
  readonly #media: readonly NodeProcess[];

  private constructor(
    options: BenchClusterOptions,
    redis: TestRedis,
    masters: readonly NodeProcess[],
    media: readonly NodeProcess[],
  ) {
    const { address } = options;
    this.#redis = redis;
    this.#media = media;
    this.#nodes = [...masters, ...media];
    this.masters = masters.map(({ pid }, i) => ({ pid, url: `ws://${address}:${PORTS.http + i}` }));
    const url = `http://${address}:${PORTS.http}`;
    this.admin = new AdminClient({ url, apiKey: KEY, apiSecret: SECRET });
  }

  /** Waits until all nodes serve and Rooms are placed. @throws Error with the log of the node that does not start. */
  static async start(options: BenchClusterOptions): Promise<BenchCluster> {
    const redis = await startRedis();
    const start = (name: string, own: object): NodeProcess =>
      new NodeProcess({ name, config: { ...common(redis), ...own } });
    const masters = range(options.masters).map((i) => start(`master ${i}`, master(options, i)));
    const media = range(options.mediaNodes).map((i) => start(`media ${i}`, mediaNode(options, i)));
    const cluster = new BenchCluster(options, redis, masters, media);
    try {
      await Promise.all(cluster.#nodes.map((node) => node.serving(60_000)));
      const rooms = new RoomServiceClient(`http://${options.address}:${PORTS.http}`, KEY, SECRET);
      await until(
        'the cluster to place Rooms',
        async () => {
          const { nodes } = await cluster.admin.nodes().catch(() => ({ nodes: [] }));
          const serving = nodes.filter(({ state, stale }) => state === 'serving' && !stale);
          if (serving.length < cluster.#nodes.length) return false;
          return rooms.createRoom({ name: 'first', emptyTimeout: 1 }).catch(() => undefined);
        },
        { timeoutMs: PLACING_WITHIN_MS, intervalMs: 250 },
      );
      await rooms.deleteRoom('first');
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  }

  /** Process ids of the Media Nodes. */
  get mediaPids(): readonly number[] {
    return this.#media.map(({ pid }) => pid);
  }

  token(room: string, identity: string): Promise<string> {
    const token = new AccessToken(KEY, SECRET, { identity });
    token.addGrant({ roomJoin: true, room });
    return token.toJwt();
  }

  async redisPid(): Promise<number> {
    const info = String(await this.#redis.command('INFO', 'server'));
    return Number(/process_id:(\d+)/.exec(info)?.[1] ?? 0);
  }

  /** How often Redis has carried out each command, those in scripts too; without what asks for this. */
  async redisCalls(): Promise<ReadonlyMap<string, number>> {
    const info = String(await this.#redis.command('INFO', 'commandstats'));
    const all = [...info.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)];
    return new Map(
      all
        .map(([, name = '', calls]) => [name, Number(calls)] as const)
        .filter(([name]) => !/^(info|hello|client|auth|select)/.test(name)),
    );
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#nodes.map((node) => node.close()));
    await this.#redis.close();
  }
}

const common = (redis: TestRedis): object => ({
  keys: { [KEY]: SECRET },
  redis: redis.config,
  logging: { json: true, level: 'info' },
});

const cluster = { name: 'bench', secret: CLUSTER_SECRET };
/** All load comes from one address. */
const joins = { joins_per_second_by_address: 10_000, joins_per_second_by_key: 10_000 };

const master = ({ address }: BenchClusterOptions, i: number): object => ({
  port: PORTS.http + i,
  bind_addresses: [address],
  sluice: { role: 'master', cluster, ...joins },
});

const mediaNode = ({ address }: BenchClusterOptions, i: number): object => ({
  port: PORTS.health + i,
  bind_addresses: [address],
  rtc: {
    udp_port: PORTS.udp + i,
    tcp_port: PORTS.tcp + i,
    node_ip: address,
    use_external_ip: false,
  },
  sluice: {
    role: 'media',
    workers: 1,
    cluster,
    node_link: { address, port: PORTS.link + i },
  },
});

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);
