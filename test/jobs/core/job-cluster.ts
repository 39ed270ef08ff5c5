import { pino } from 'pino';
import { linkRequests } from '../../../node-image/api/cluster/link-requests';
import { jobLinkPath, linkJobNodes } from '../../../node-image/api/jobs/job-link';
import { Ledger } from '../../../node-image/cluster/ledger';
import { TlsLinkClient } from '../../../node-image/cluster/link/link-client';
import { LinkServer } from '../../../node-image/cluster/link/link-server';
import type { RegisteredNode } from '../../../node-image/cluster/node-record';
import { RegistryUnavailableError } from '../../../node-image/cluster/registry';
import type { Job } from '../../../node-image/jobs/job';
import { JobDispatcher, type JobDispatcherOptions } from '../../../node-image/jobs/job-dispatcher';
import { JobHost } from '../../../node-image/jobs/job-host';
import { JobReaper, type JobReaperOptions } from '../../../node-image/jobs/job-reaper';
import type { JobContext, JobRunner, RunningJob } from '../../../node-image/jobs/job-runner';
import type { JobStore, NewJob } from '../../../node-image/jobs/job-store';
import { NodePulse } from '../../../node-image/jobs/node-pulse';
import { RedisJobStore } from '../../../node-image/jobs/store/redis-job-store';
import { nodeNamed } from '../../cluster/placement-nodes';
import { connectRegistry } from '../../cluster/support/registry-redis';
import { startRedis, type TestRedis } from '../../support/redis';

const SECRET = 'a secret of the cluster, long enough';
export const quiet = pino({ level: 'silent' });

/** What a job of a test does; it is in its spec. */
export interface Asked {
  readonly cpus?: number;
  /** What becomes of it when it is to start. */
  readonly start?: 'runs' | 'throws' | 'hangs' | 'ends';
  /** Whether it goes on elsewhere. */
  readonly afterLoss?: 'restart' | 'end';
  readonly handOver?: 'goes' | 'stays';
}

let made = 0;
export const newJob = (asked: Asked = {}, kind: 'egress' | 'ingress' = 'egress'): NewJob => ({
  id: `EG_${++made}`,
  kind,
  room: 'stage',
  spec: JSON.stringify(asked),
  info: 'asked for',
});

const askedOf = (spec: string): Asked => JSON.parse(spec);

/** A job that runs in a test. */
export interface Run {
  readonly job: Job;
  readonly context: JobContext;
  readonly said: string[];
}

/** Runs jobs that do nothing, and remembers what was asked of them. */
export class TestRunner implements JobRunner {
  readonly runs: Run[] = [];
  readonly failures: string[] = [];

  constructor(readonly kind: 'egress' | 'ingress' = 'egress') {}

  cost(spec: string) {
    return { cpus: askedOf(spec).cpus ?? 1 };
  }

  afterLoss({ spec }: Job) {
    return askedOf(spec).afterLoss ?? ('restart' as const);
  }

  failed(_job: Job, { reason, message }: { readonly reason: string; readonly message: string }) {
    this.failures.push(`${reason}: ${message}`);
    return `failed (${reason}): ${message}`;
  }

  async start(job: Job, context: JobContext): Promise<RunningJob> {
    const { start = 'runs', handOver = 'goes' } = askedOf(job.spec);
    if (start === 'throws') throw new Error('nothing is recorded here');
    if (start === 'hangs') return new Promise(() => {});
    const run: Run = { job, context, said: [] };
    this.runs.push(run);
    if (start === 'ends') context.ended('over at once');
    const { said } = run;
    return {
      request: async (name, body) => {
        said.push(`${name} ${body}`);
        return `did ${name}`;
      },
      stop: async (reason) => {
        said.push(`stop: ${reason}`);
        context.ended(`stopped: ${reason}`);
        return 'ending';
      },
      handOver: async () => {
        said.push('handed over');
        return handOver === 'goes' ? 'go on from here' : undefined;
      },
      abandon: async () => {
        said.push('abandoned');
      },
    };
  }
}

export interface TestNode {
  readonly id: string;
  readonly host: JobHost;
  readonly ledger: Ledger;
  readonly runner: TestRunner;
  readonly store: JobStore;
  /** As it tells the others, now. */
  record(): RegisteredNode;
  /**
   * Gone at once, as if it was killed: it renews no more, and its link is closed.
   *
   * @param options.isFound - whether the others know that at once. @default true
   */
  kill(options?: { readonly isFound?: boolean }): Promise<void>;
}

export interface JobCluster {
  readonly redis: TestRedis;
  readonly store: JobStore;
  readonly nodes: readonly TestNode[];
  /** Nodes that are not there any more. */
  readonly gone: Set<string>;
  dispatcher(changes?: Partial<JobDispatcherOptions>): JobDispatcher;
  reaper(dispatcher: JobDispatcher, changes?: Partial<JobReaperOptions>): JobReaper;
  /** Sends this to a node over its link. */
  ask(nodeId: string, path: string, body: string): Promise<{ status: number; body: Buffer }>;
  close(): Promise<void>;
}

/** Nodes that run jobs: a store in a real Redis, real links between them, each with its own ledger. */
export async function startJobCluster(cpus: readonly number[]): Promise<JobCluster> {
  const redis = await startRedis();
  const closers: (() => Promise<unknown> | unknown)[] = [() => redis.close()];
  const connect = async (): Promise<JobStore> => {
    const { registry } = await connectRegistry(redis.config);
    closers.push(() => registry.close());
    return new RedisJobStore(registry.shared);
  };
  const store = await connect();
  const gone = new Set<string>();
  const ports = new Map<string, number>();
  const nodes: TestNode[] = [];
  for (const [index, cores] of cpus.entries()) {
    const id = `ND_${index + 1}`;
    const own = await connect();
    const ledger = new Ledger({
      capacity: { cpus: cores, memoryBytes: 0, bytesPerSec: 0, diskBytes: 0 },
    });
    const runner = new TestRunner();
    const host = new JobHost({
      ...{ nodeId: id, store: own, ledger, runners: [runner], log: quiet },
      startMs: 500,
      renewMs: 100,
    });
    const server = await LinkServer.listen({
      ...{ secret: SECRET, clusterName: 'test', address: '127.0.0.1', port: 0, nodeId: id },
      version: '1.2.3',
      handlers: {
        request: linkRequests([jobLinkPath(host)], quiet),
        upgrade: (_request, socket) => socket.destroy(),
      },
      log: quiet,
    });
    ports.set(id, server.port);
    closers.push(
      () => host.close(),
      () => server.close(),
    );
    nodes.push({
      ...{ id, host, ledger, runner, store: own },
      record: () => {
        const figures = { kinds: host.kinds, freeCpus: ledger.free().cpus };
        const counts = { egress: host.jobs('egress').length, ingress: 0 };
        const load = { cpus: cores, jobs: { ...figures, ...counts } };
        return nodeNamed(id, { load, link: { host: '127.0.0.1', port: server.port } });
      },
      kill: async ({ isFound = true } = {}) => {
        if (isFound) gone.add(id);
        // Whatever it does from now on changes nothing that others see.
        const dead = async (): Promise<never> => {
          throw new RegistryUnavailableError('this node is dead');
        };
        Object.assign(own, { renew: dead, update: dead, end: dead, release: dead });
        await server.close();
      },
    });
  }
  const link = new TlsLinkClient({ secret: SECRET, clusterName: 'test' });
  closers.push(() => link.close());
  const address = (id: string) =>
    ports.has(id) ? { host: '127.0.0.1', port: ports.get(id) ?? 0 } : undefined;
  const jobNodes = linkJobNodes({ link, address });
  const rules = new TestRunner();
  const pulse = new NodePulse({ nodes: jobNodes, onBroken: (id) => gone.add(id) });
  return {
    ...{ redis, store, nodes, gone },
    dispatcher: (changes = {}) =>
      new JobDispatcher({
        ...{ store, nodes: jobNodes, rules: [rules], ledger: { disk_limit: 0.95 } },
        registered: async () =>
          nodes.filter(({ id }) => !gone.has(id)).map((node) => node.record()),
        ...{ queueMs: 0, linkProtocol: 1, log: quiet },
        ...changes,
      }),
    reaper: (dispatcher, changes = {}) => {
      const reaper = new JobReaper({
        ...{ store, care: dispatcher.care(), leads: () => true, isGone: (id) => gone.has(id) },
        running: (id) => pulse.running(id),
        ...{ queueMs: 0, restartWithinMs: 300, keepEndedMs: 60_000, mostEnded: 100, log: quiet },
        ...{ intervalMs: 50, graceMs: 0 },
        ...changes,
      });
      closers.push(() => reaper.close());
      return reaper;
    },
    ask: (id, path, body) => {
      const to = { host: '127.0.0.1', port: ports.get(id) ?? 0 };
      return link.request(to, { method: 'POST', path, body: Buffer.from(body), timeoutMs: 5000 });
    },
    close: async () => {
      for (const close of closers.reverse()) await close();
    },
  };
}
