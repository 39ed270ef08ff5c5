import { AdminClient, AdminClientError } from '../../node-image/api/cluster/admin-client';
import { type ClusterEntry, startEntry } from './cluster-entry';
import { makeNamespace } from './cluster-namespace';
import { ClusterNode, type Config, type NodeParts } from './cluster-node';
import { startRedisLink } from './cluster-redis-link';
import { freePortRange, freeTcpPort } from './ports';
import { startRedis, type TestRedis, type TestSentinels } from './redis';
import { until, within } from './wait';

export { ClusterNode, type Config } from './cluster-node';

const API_KEY = 'devkey';
const API_SECRET = 'a-secret-of-the-tests-that-is-long-enough';
export const CLUSTER_SECRET = 'the-secret-of-a-cluster-of-the-tests-0123';

export interface ClusterOptions {
  /** @default 1 */
  readonly masters?: number;
  /** @default 2 */
  readonly mediaNodes?: number;
  /** Over the configuration of every node, section by section. @default none */
  readonly config?: Config;
  /** A Redis to use; it is not closed with the cluster. @default - one of its own */
  readonly redis?: TestRedis;
  /**
   * Instead: the sentinels that tell nodes where Redis is; they are not closed with the cluster. Nodes
   * reach Redis by themselves then, and their `redisLink` changes nothing. @default none
   */
  readonly sentinels?: TestSentinels;
  /** Each Media Node in a network namespace of its own, so that its cable can be cut. @default false */
  readonly namespaces?: boolean;
}

/** A cluster of real processes on this machine. It fits where a token is made: a `Signer`. */
export class TestCluster {
  readonly apiKey = API_KEY;
  readonly apiSecret = API_SECRET;
  /** With sentinels: the master at the start. */
  readonly redis: TestRedis;
  /** What stands before the masters. */
  readonly entry: ClusterEntry;
  readonly #options: ClusterOptions;
  readonly #nodes: ClusterNode[] = [];
  #started = 0;

  private constructor(options: ClusterOptions, redis: TestRedis, entry: ClusterEntry) {
    this.#options = options;
    this.redis = redis;
    this.entry = entry;
  }

  /** @throws Error with the log of the node that does not start. */
  static async start(options: ClusterOptions = {}): Promise<TestCluster> {
    const { masters = 1, mediaNodes = 2 } = options;
    const redis = options.sentinels?.servers[0] ?? options.redis ?? (await startRedis());
    const cluster = new TestCluster(options, redis, await startEntry());
    try {
      const starting = await Promise.allSettled([
        ...Array.from({ length: masters }, () => cluster.addMaster()),
        ...Array.from({ length: mediaNodes }, () => cluster.addMediaNode()),
      ]);
      for (const one of starting) if (one.status === 'rejected') throw one.reason;
      await cluster.untilServing();
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  }

  /** Of what stands before the masters, for client SDKs. */
  get url(): string {
    return `ws://127.0.0.1:${this.entry.port}`;
  }

  /** The same, for server SDKs. */
  get httpUrl(): string {
    return `http://127.0.0.1:${this.entry.port}`;
  }

  get masters(): readonly ClusterNode[] {
    return this.#nodes.filter(({ role }) => role === 'master');
  }

  get mediaNodes(): readonly ClusterNode[] {
    return this.#nodes.filter(({ role }) => role === 'media');
  }

  /** The admin API, through any master or through the given one. */
  admin(through?: ClusterNode): AdminClient {
    const { apiKey, apiSecret } = this;
    return new AdminClient({ url: through?.httpUrl ?? this.httpUrl, apiKey, apiSecret });
  }

  async addMaster(config: Config = {}): Promise<ClusterNode> {
    const node = await this.#add('master', config);
    this.entry.add(Number(new URL(node.httpUrl).port));
    return node;
  }

  addMediaNode(config: Config = {}): Promise<ClusterNode> {
    return this.#add('media', config);
  }

  /** The Media Node with this id. @throws Error where none has it. */
  node(nodeId: string): ClusterNode {
    const found = this.#nodes.find((node) => node.nodeId === nodeId);
    if (found === undefined) {
      const known = this.#nodes.map(({ name, nodeId: id }) => `${name} ${id}`).join(', ');
      throw new Error(`no node has the id ${nodeId}; there are ${known}`);
    }
    return found;
  }

  /** The Media Node that a Room is placed on. @throws Error where it is placed nowhere. */
  async roomNode(room: string): Promise<ClusterNode> {
    const rooms = await this.admin().rooms();
    const found = rooms.find(({ name }) => name === room);
    if (found === undefined) throw new Error(`the Room ${room} is placed nowhere`);
    return this.node(found.nodeId);
  }

  /** Waits until all nodes that run are known to each master as serving. */
  async untilServing(): Promise<void> {
    const running = this.#nodes.filter((node) => node.running).map(({ nodeId }) => nodeId);
    for (const master of this.masters.filter((node) => node.running)) {
      await until(`${master.name} to know all nodes`, async () => {
        // While it finds Redis again, it knows nothing.
        const { nodes } = await this.admin(master)
          .nodes()
          .catch(ifUnavailable({ nodes: [] }));
        const serving = nodes.filter(({ state, stale }) => state === 'serving' && !stale);
        return running.every((id) => serving.some((one) => one.id === id));
      });
    }
  }

  /** All that all nodes have written, each line with the name of its node. */
  log(): string {
    return this.#nodes
      .flatMap(({ name, log }) => log.split('\n').map((line) => `${name}: ${line}`))
      .join('\n');
  }

  /** Ends all of it, at once. Idempotent. */
  async close(): Promise<void> {
    await within('the nodes to close', Promise.all(this.#nodes.map((node) => node.close())));
    await within('the entry to close', this.entry.close());
    const { redis, sentinels } = this.#options;
    if (redis !== undefined || sentinels !== undefined) return;
    await within('Redis to close', this.redis.close());
  }

  async #add(role: 'master' | 'media', config: Config): Promise<ClusterNode> {
    const index = this.#started++;
    const parts: NodeParts = {
      name: `${role} ${index}`,
      role,
      ...(await this.#place(role, index)),
    };
    const own = role === 'master' ? await masterConfig() : await mediaConfig(parts.address);
    const layers = [this.#common(parts.redisLink.address), own, this.#options.config ?? {}, config];
    const node = new ClusterNode(parts, layers.reduce(merge));
    this.#nodes.push(node);
    await node.start();
    return node;
  }

  async #place(
    role: 'master' | 'media',
    index: number,
  ): Promise<Pick<NodeParts, 'address' | 'namespace' | 'redisLink'>> {
    const { port } = this.redis;
    if (role === 'media' && this.#options.namespaces === true) {
      const namespace = await makeNamespace(index);
      const redisLink = await startRedisLink({ port, host: namespace.hostAddress });
      return { address: namespace.address, namespace, redisLink };
    }
    return { address: '127.0.0.1', redisLink: await startRedisLink({ port }) };
  }

  #common(redisAddress: string): Config {
    return {
      keys: { [API_KEY]: API_SECRET },
      redis: this.#options.sentinels?.config ?? { ...this.redis.config, address: redisAddress },
      logging: { json: true, level: 'debug' },
      sluice: {
        workers: 1,
        load_scope: 'processes',
        cluster: { name: 'test', secret: CLUSTER_SECRET },
      },
    };
  }
}

async function masterConfig(): Promise<Config> {
  return {
    port: await freeTcpPort(),
    bind_addresses: ['127.0.0.1'],
    prometheus: { port: await freeTcpPort() },
    sluice: { role: 'master' },
  };
}

async function mediaConfig(address: string): Promise<Config> {
  return {
    port: await freeTcpPort(),
    bind_addresses: [address],
    prometheus: { port: await freeTcpPort() },
    rtc: {
      udp_port: await freePortRange(1),
      tcp_port: await freePortRange(1),
      node_ip: address,
      use_external_ip: false,
      enable_loopback_candidate: true,
    },
    sluice: { role: 'media', node_link: { address, port: await freePortRange(1) } },
  };
}

/** What to take where the cluster cannot answer now. */
const ifUnavailable =
  <T>(otherwise: T) =>
  (error: unknown): T => {
    if (error instanceof AdminClientError && (error.status === 503 || error.status === 0)) {
      return otherwise;
    }
    throw error;
  };

/** The second over the first, in all depths; lists are replaced. */
function merge(base: Config, over: Config): Config {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isSection(below) && isSection(value) ? merge(below, value) : value;
  }
  return merged;
}

function isSection(value: unknown): value is Config {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
