import type { Registry as MetricsRegistry } from 'prom-client';
import type { LinkPath } from '../api/cluster/link-requests';
import { jobLinkPath, linkJobNodes } from '../api/jobs/job-link';
import type { DrainableJobs } from '../cluster/drain-jobs';
import { LINK_PROTOCOL } from '../cluster/link/link';
import type { JobLoad, NodeLoad, NodeState, RegisteredNode } from '../cluster/node-record';
import type { Registry } from '../cluster/registry';
import { missingPrograms } from '../jobs/egress/programs';
import type { SpecSealer } from '../jobs/egress/sealed-spec';
import { JobDispatcher } from '../jobs/job-dispatcher';
import { JobHost, type JobHostOptions } from '../jobs/job-host';
import { type JobNodes, localJobNodes } from '../jobs/job-nodes';
import { JobReaper } from '../jobs/job-reaper';
import type { JobStore } from '../jobs/job-store';
import { EGRESS_SERVICE } from '../jobs/livekit/official-owner';
import { NodePulse } from '../jobs/node-pulse';
import { placeJob } from '../jobs/placement/job-placement';
import { RefusedDemand } from '../jobs/refused-demand';
import { JobMetrics } from '../telemetry/job-metrics';
import type { Closers } from './closers';
import type { ClusterParts } from './cluster-parts';
import { type JobRulesOptions, type JobRunnersOptions, jobRules, jobRunners } from './job-kinds';
import { egressRules } from './jobs-egress';
import type { OfficialServices } from './jobs-official';

/** A registry that is younger may not know all nodes that live, ms. */
const YOUNG_MS = 10_000;
/** Programs are looked for again after this, ms: a heartbeat comes more often. */
const PROGRAMS_MS = 30_000;

/** The jobs of a node that runs some. */
export interface HostedJobs {
  readonly host: JobHost;
  /** What the node answers about them on its link. */
  readonly path: LinkPath;
  readonly drainable: DrainableJobs;
  /** The load of the node, with that of its jobs. */
  readonly load: () => NodeLoad;
}

/** Runs jobs on a Media Node or Single Node. */
export function hostJobs(
  options: JobRunnersOptions & {
    readonly store: JobStore;
    readonly state: () => NodeState;
    /** See JobHost. Of a Single Node: nobody is there to take a job. */
    readonly canMove?: JobHostOptions['canMove'];
  },
): HostedJobs {
  const { nodeId, plane, store, state, canMove, log, closers } = options;
  const { ledger } = plane;
  const host = new JobHost({
    nodeId,
    store,
    ledger,
    runners: jobRunners(options),
    refuses: () => (state() === 'serving' ? undefined : `it is ${state()}`),
    canMove: canMove ?? (async () => false),
    log,
  });
  closers.add(() => host.close());
  options.ingress.pushes.runOn(host);
  plane.meterJobs(() => host.pids());
  new JobMetrics(plane.metrics.registry).watchHost(host);
  const count = (kind: 'egress' | 'ingress'): number => host.jobs(kind).length;
  const lacks = lookup(options.config.egress.browser);
  return {
    host,
    path: jobLinkPath(host),
    drainable: {
      jobs: () => host.jobs(),
      kindOf: (id) => host.kindOf(id) ?? 'agent',
      handOver: (id, leftMs) => host.handOver(id, leftMs),
      stop: async (id) => {
        await host.stop(id, 'its node is drained');
      },
    },
    load: () => ({
      ...plane.load(),
      jobs: {
        kinds: host.kinds,
        freeCpus: ledger.free().cpus,
        lacks: lacks(),
        egress: count('egress'),
        ingress: count('ingress'),
      },
    }),
  };
}

/** Which programs for recording this machine lacks, as of half a minute ago at most. */
function lookup(browser: string): () => JobLoad['lacks'] {
  let last: { readonly at: number; readonly lacks: JobLoad['lacks'] } | undefined;
  return () => {
    const now = performance.now();
    if (last === undefined || now - last.at >= PROGRAMS_MS) {
      const media = missingPrograms({ kind: 'track' }, browser);
      last = { at: now, lacks: { media, page: missingPrograms({ kind: 'web' }, browser) } };
    }
    return last.lacks;
  };
}

/** Whether another Media Node has room for a job, as far as is known here. */
export const roomElsewhere =
  (
    { watch }: Pick<ClusterParts, 'watch'>,
    { sluice }: JobRunnersOptions['config'],
    nodeId: string,
  ): NonNullable<JobHostOptions['canMove']> =>
  async (kind, cost) => {
    if (kind === 'agent') return false;
    const { nodes } = await watch.look();
    const places = placeJob({
      ...{ nodes, kind, cost, ledger: sluice.ledger, exclude: new Set([nodeId]) },
      ...{ linkProtocol: LINK_PROTOCOL, random: Math.random },
    });
    return places.some(({ verdict }) => verdict !== 'excluded');
  };

/** What starts jobs, and looks after those that nobody runs. */
export interface JobDesk {
  readonly store: JobStore;
  readonly dispatcher: JobDispatcher;
  readonly reaper: JobReaper;
  /** What nobody took: the group is to grow for it. */
  readonly refused: Pick<RefusedDemand, 'cpus'>;
}

interface DeskOptions extends JobRulesOptions {
  readonly store: JobStore;
  readonly metrics: MetricsRegistry;
  readonly leads: () => boolean;
  /** LiveKit's own services. @default - there are none */
  readonly official?: Pick<OfficialServices, 'running' | 'care'> | undefined;
  /** Opens what Rooms have recorded by themselves. */
  readonly sealer: SpecSealer;
  readonly closers: Closers;
}

/** On a Master Node. */
export function masterJobs(options: DeskOptions & { readonly parts: ClusterParts }): JobDesk {
  const { watch, link } = options.parts;
  const nodes = linkJobNodes({ link, address: (id) => watch.node(id)?.record.link });
  const pulse = new NodePulse({
    nodes,
    onBroken: (id) => void watch.suspect(id, 'reset'),
  });
  return deskOf(options, {
    nodes,
    running: (id) => pulse.running(id),
    registered: async () => {
      const { nodes } = await watch.look();
      return nodes;
    },
    isGone: (id) => (watch.registryAgeMs ?? 0) > YOUNG_MS && watch.node(id) === undefined,
    hasLink: (id) => watch.node(id)?.record.link !== undefined,
    onLost: (listener) => watch.onLost(({ record }) => listener(record.id)),
  });
}

/** On a Single Node, which runs all jobs itself. */
export function singleJobs(
  options: Omit<DeskOptions, 'leads'> & { readonly host: JobHost; readonly registry: Registry },
): JobDesk {
  const { host, registry } = options;
  return deskOf(
    { ...options, leads: () => true },
    {
      nodes: localJobNodes(host),
      running: async () => new Set(host.jobs()),
      registered: async () => (await registry.snapshot()).nodes,
      isGone: () => false,
      hasLink: () => true,
      onLost: () => {},
    },
  );
}

interface Surroundings {
  readonly nodes: JobNodes;
  readonly running: JobNodes['running'];
  readonly registered: () => Promise<readonly RegisteredNode[]>;
  readonly isGone: (nodeId: string) => boolean;
  readonly hasLink: (nodeId: string) => boolean;
  readonly onLost: (listener: (nodeId: string) => void) => void;
}

function deskOf(options: DeskOptions, around: Surroundings): JobDesk {
  const { config, store, leads, official, log, closers } = options;
  const { jobs, ledger } = config.sluice;
  const metrics = new JobMetrics(options.metrics);
  const refused = new RefusedDemand();
  const dispatcher = new JobDispatcher({
    store,
    nodes: around.nodes,
    rules: jobRules(options),
    registered: around.registered,
    ledger,
    queueMs: jobs.queue,
    linkProtocol: LINK_PROTOCOL,
    onRefused: (job, cpus) => {
      metrics.refused(job.kind);
      if (cpus > 0) refused.add(job, cpus);
    },
    log,
  });
  const ofServices = official?.care(egressRules(config, options.webhooks), options.sealer);
  const reaper = new JobReaper({
    store,
    // The later of a kind counts.
    care: [...dispatcher.care(), ...(ofServices === undefined ? [] : [ofServices])],
    leads,
    isGone: (id) => id !== EGRESS_SERVICE && around.isGone(id),
    running: async (id) => {
      if (id === EGRESS_SERVICE) return official?.running();
      return around.hasLink(id) ? await around.running(id) : undefined;
    },
    queueMs: jobs.queue,
    restartWithinMs: jobs.restart_within,
    keepEndedMs: jobs.keep_ended,
    mostEnded: jobs.most_ended,
    log,
  });
  closers.add(() => reaper.close());
  metrics.watchReaper(reaper);
  around.onLost((nodeId) => void reaper.lost(nodeId));
  return { store, dispatcher, reaper, refused };
}
