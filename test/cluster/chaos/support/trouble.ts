import type { ClusterNode, TestCluster } from '../../../support/cluster';
import { sleep, until } from '../../../support/wait';
import { nodesOf } from './addresses';
import type { Outages } from './outages';
import type { Fault, FaultKind } from './plan';

/** How long a fault waits for something that it can hit, ms. */
const WAIT_MS = 10_000;
/** Fewer are made up for by new ones. */
export const MEDIA_NODES = 3;
const DRAIN = { patience: '0s', deadline: '20s' } as const;

/** Makes the faults of a plan happen to a cluster, and mends them. */
export class Trouble {
  readonly #cluster: TestCluster;
  readonly #outages: Outages;
  /** Nodes that something happens to already. */
  readonly #hit = new Set<ClusterNode>();
  #redisIsHit = false;
  /** How often each fault has happened. */
  readonly counts = new Map<FaultKind, number>();

  constructor(cluster: TestCluster, outages: Outages) {
    this.#cluster = cluster;
    this.#outages = outages;
  }

  /** Resolves once it is over and mended. */
  async happen(fault: Fault): Promise<void> {
    const { kind } = fault;
    if (kind.startsWith('redis')) await this.#hitRedis(fault);
    else if (kind.startsWith('master')) await this.#hitMaster(fault);
    else if (kind === 'media node added') await this.#cluster.addMediaNode();
    else await this.#hitMediaNode(fault);
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  /** As many Media Nodes as at first: more than one too many are drained, missing ones are added. */
  async settle(): Promise<void> {
    const running = this.#cluster.mediaNodes.filter((node) => node.running);
    for (let i = running.length; i < MEDIA_NODES; i++) await this.#cluster.addMediaNode();
    await Promise.all(running.slice(MEDIA_NODES + 1).map((node) => this.#drainAndStop(node)));
  }

  async #hitMaster({ kind, lastsMs, target }: Fault): Promise<void> {
    await this.#with('master', target, async (node) => {
      if (kind === 'master killed') await node.kill();
      else await node.stop();
      this.#lookWhoIsThere();
      await sleep(lastsMs);
      await node.start();
    });
  }

  async #hitMediaNode({ kind, lastsMs, target }: Fault): Promise<void> {
    await this.#with('media', target, async (node) => {
      const { name, nodeId } = node;
      if (kind === 'media node killed') {
        await node.kill();
        this.#lookWhoIsThere();
        await sleep(lastsMs);
        await node.start();
      } else if (kind === 'media node silent') {
        this.#outages.begin('network', name);
        await node.cut();
        await sleep(lastsMs);
        await node.mend();
        this.#outages.end('network', name);
      } else if (kind === 'media node without redis') {
        this.#outages.begin('network', name);
        node.redisLink.stop();
        await sleep(lastsMs);
        node.redisLink.mend();
        this.#outages.end('network', name);
      } else if (kind === 'drain taken back') {
        await this.#insist('a drain', () => this.#cluster.admin().drain(nodeId, DRAIN));
        await sleep(lastsMs);
        await this.#insist('the end of a drain', () => this.#cluster.admin().undrain(nodeId));
      } else if (kind === 'drain to the end') {
        await Promise.all([this.#cluster.addMediaNode(), this.#drainAndStop(node)]);
      } else {
        await node.stop(60_000);
        this.#lookWhoIsThere();
        await sleep(lastsMs);
        await node.start();
      }
    });
  }

  async #hitRedis({ kind, lastsMs }: Fault): Promise<void> {
    await until('Redis to be free', () => !this.#redisIsHit, { timeoutMs: 2 * WAIT_MS });
    this.#redisIsHit = true;
    this.#outages.begin('redis');
    const { redis } = this.#cluster;
    const links = nodesOf(this.#cluster).map(({ redisLink }) => redisLink);
    if (kind === 'redis restarted empty') {
      await redis.kill();
      await sleep(lastsMs);
      await redis.restart();
    } else if (kind === 'redis paused') {
      const goOn = redis.pause();
      await sleep(lastsMs);
      goOn();
    } else {
      // Up to what a command may take in all, 400 ms: some are in time, those that need two are not.
      this.#outages.end('redis');
      for (const link of links) link.delay(50 + lastsMs / 40);
      await sleep(lastsMs);
      for (const link of links) link.delay(0);
    }
    this.#outages.end('redis');
    this.#redisIsHit = false;
  }

  async #drainAndStop(node: ClusterNode): Promise<void> {
    const { nodeId } = node;
    await this.#insist('a drain', () => this.#cluster.admin().drain(nodeId, DRAIN));
    await until(
      `${node.name} to be empty`,
      async () => {
        const state = await this.#cluster
          .admin()
          .node(nodeId)
          .then((view) => view.state)
          .catch(() => undefined);
        return state === 'drained' || !node.running;
      },
      { timeoutMs: 60_000, intervalMs: 250, explain: () => node.log.slice(-3_000) },
    );
    await node.stop(60_000);
    this.#lookWhoIsThere();
  }

  /** Masters or Redis may be away just now: whoever drains a node by hand tries again. */
  async #insist(what: string, ask: () => Promise<unknown>): Promise<void> {
    let last: unknown;
    await until(
      `${what} to be taken`,
      () =>
        ask().then(
          () => true,
          (error: unknown) => {
            last = error;
            return false;
          },
        ),
      { timeoutMs: 30_000, intervalMs: 300, explain: () => String(last) },
    );
  }

  async #with(
    role: 'master' | 'media',
    target: number,
    act: (node: ClusterNode) => Promise<void>,
  ): Promise<void> {
    const all = (): ClusterNode[] =>
      [...(role === 'master' ? this.#cluster.masters : this.#cluster.mediaNodes)].filter(
        (node) => node.running && node.nodeId !== '' && !this.#hit.has(node),
      );
    await until(`a ${role} node that can be hit`, () => all().length > 0, {
      timeoutMs: 6 * WAIT_MS,
    });
    const nodes = all();
    const node = nodes[Math.floor(target * nodes.length)];
    if (node === undefined) return;
    this.#hit.add(node);
    this.#lookWhoIsThere();
    this.#outages.hit();
    try {
      await act(node);
    } finally {
      this.#hit.delete(node);
      this.#lookWhoIsThere();
    }
  }

  /** With all of a kind away, or hit, nobody has a whole path. */
  #lookWhoIsThere(): void {
    const isThere = (node: ClusterNode): boolean => node.running && !this.#hit.has(node);
    this.#outages.set('masters', !this.#cluster.masters.some(isThere));
    this.#outages.set('media', !this.#cluster.mediaNodes.some(isThere));
  }
}
