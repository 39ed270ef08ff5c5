import { ListRoomsRequest } from '@livekit/protocol';
import { Redis } from 'ioredis';
import { callNode } from '../../../../node-image/api/cluster/control-call';
import { CONTROL_METHODS } from '../../../../node-image/api/cluster/control-methods';
import { TlsLinkClient } from '../../../../node-image/cluster/link/link-client';
import { CLUSTER_SECRET, type ClusterNode, type TestCluster } from '../../../support/cluster';
import { sleep } from '../../../support/wait';
import { linkOf, nodesOf } from './addresses';
import type { Crowd } from './crowd';
import type { Look, Placement, SeenNode } from './observations';

const NAME = 'test';
const LOOK_MS = 500;
const ASK_MS = 1_500;

/** Looks at a cluster again and again, past its masters: into Redis, and at each Media Node. */
export class Watcher {
  readonly #cluster: TestCluster;
  readonly #crowd: Crowd;
  readonly #link = new TlsLinkClient({ secret: CLUSTER_SECRET, clusterName: NAME });
  readonly #redis: Redis;
  readonly #looks: Look[] = [];
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(cluster: TestCluster, crowd: Crowd) {
    this.#cluster = cluster;
    this.#crowd = crowd;
    this.#redis = new Redis(cluster.redis.port, '127.0.0.1', {
      commandTimeout: ASK_MS,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      retryStrategy: () => 200,
      disableClientInfo: true,
    });
    this.#redis.on('error', () => undefined);
  }

  /** All that it has seen so far. */
  get looks(): readonly Look[] {
    return this.#looks;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
    this.#link.close();
    this.#redis.disconnect();
  }

  /** Looks now. */
  async look(): Promise<Look> {
    const atMs = Date.now();
    const running = nodesOf(this.#cluster).filter((node) => node.running && node.nodeId !== '');
    const before = running.map((node) => node.nodeId);
    const [nodes, registry] = await Promise.all([
      Promise.all(running.map((node) => this.#ask(node))),
      this.#registry(),
    ]);
    // One that has ended meanwhile is neither there nor gone.
    const isSure = running.every((node, i) => node.running && node.nodeId === before[i]);
    const look = { atMs, nodes, registry: isSure ? registry : undefined };
    this.#looks.push(look);
    return look;
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      const startedMs = Date.now();
      await Promise.all([this.look(), this.#crowd.read()]);
      await sleep(Math.max(50, LOOK_MS - (Date.now() - startedMs)));
    }
  }

  async #ask(node: ClusterNode): Promise<SeenNode> {
    const { nodeId } = node;
    const link = linkOf(node);
    if (link === undefined) return { nodeId, rooms: undefined };
    try {
      const target = { nodeId, link, epoch: 0 };
      const { listRooms } = CONTROL_METHODS;
      const { rooms } = await callNode(
        this.#link,
        target,
        listRooms,
        new ListRoomsRequest(),
        ASK_MS,
      );
      return { nodeId, rooms: rooms.map(({ name }) => name) };
    } catch {
      return { nodeId, rooms: undefined };
    }
  }

  async #registry(): Promise<Look['registry']> {
    try {
      const [nodes, rooms] = await Promise.all([
        this.#redis.hkeys(`{${NAME}}:nodes`),
        this.#redis.hgetall(`{${NAME}}:rooms`),
      ]);
      return { nodes, rooms: Object.entries(rooms).map(([room, text]) => placement(room, text)) };
    } catch {
      return undefined;
    }
  }
}

function placement(room: string, text: string): Placement {
  const { nodeId, epoch } = JSON.parse(text) as { nodeId: string; epoch: number };
  return { room, nodeId, epoch };
}
