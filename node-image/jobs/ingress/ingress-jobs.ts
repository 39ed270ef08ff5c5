import type { IngressInfo } from '@livekit/protocol';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Job } from '../job';
import type { JobCost, JobFailure, JobRules } from '../job-runner';
import type { NewJob } from '../job-store';
import { type IngressObserver, IngressRun } from './ingress-run';
import type { IngressStore } from './ingress-store';

/** How media comes to its node; `transcoded-whip` is decoded and encoded there. */
export type IngressWay = 'url' | 'rtmp' | 'whip' | 'transcoded-whip';

/** What each takes of its node, in cores. `ingress.cpu_cost` */
export type IngressCosts = Readonly<Record<IngressWay, number>>;

/** What a job says of what it runs: all else is in the store of Ingresses. */
const specSchema = z.object({
  way: z.enum(['url', 'rtmp', 'whip', 'transcoded-whip']).default('url'),
  /** Of one that somebody pushes: which Ingress, and which time. */
  ingressId: z.string().default(''),
  resourceId: z.string().default(''),
});
export type IngressSpec = z.infer<typeof specSchema>;

/** @throws ZodError for what is no job of this kind. */
export const ingressSpecOf = (spec: string): IngressSpec => specSchema.parse(JSON.parse(spec));

/** The job that pulls the URL of an Ingress. */
export const urlJob = ({ ingressId, roomName }: IngressInfo): NewJob => ({
  id: ingressId,
  kind: 'ingress',
  room: roomName,
  spec: '{}',
  info: '{}',
});

/** The job of one time that somebody sends to an Ingress. */
export function pushJob(
  { ingressId, roomName: room }: IngressInfo,
  way: Exclude<IngressWay, 'url'>,
  resourceId: string,
): NewJob {
  const spec: IngressSpec = { way, ingressId, resourceId };
  // One Ingress is sent to again and again: each time is a job of its own.
  const id = `${ingressId}_${resourceId.slice(-8)}`;
  return { id, kind: 'ingress', room, spec: JSON.stringify(spec), info: '{}' };
}

export interface IngressRulesOptions {
  readonly store: IngressStore;
  readonly costs: IngressCosts;
  /** Share of a node's CPU that stays free besides. `ingress.cpu_cost.min_idle_ratio` */
  readonly idleRatio: number;
  readonly observer: IngressObserver;
  readonly log: Logger;
}

/** What every node knows of Ingresses that run. */
export class IngressRules implements JobRules {
  readonly kind = 'ingress';
  readonly #options: IngressRulesOptions;

  constructor(options: IngressRulesOptions) {
    this.#options = options;
  }

  cost(spec: string): JobCost {
    const { costs, idleRatio } = this.#options;
    return { cpus: costs[ingressSpecOf(spec).way], idleRatio };
  }

  /** A URL can be pulled elsewhere; who sends comes back by itself, and is another job. */
  afterLoss({ spec }: Job): 'restart' | 'end' {
    return ingressSpecOf(spec).way === 'url' ? 'restart' : 'end';
  }

  failed(_job: Job, { message }: JobFailure): string {
    return JSON.stringify({ error: message });
  }

  onFailed(job: Job): void {
    void this.#sayFailed(job);
  }

  async #sayFailed({ id, spec, info, owner }: Job): Promise<void> {
    const { store, observer, log } = this.#options;
    try {
      const { way, ingressId, resourceId: ofPush } = ingressSpecOf(spec);
      const isPull = way === 'url';
      const stored = await store.get(isPull ? id : ingressId);
      if (stored === undefined) return;
      const resourceId = stored.info.state?.resourceId ?? '';
      // Somebody else sends by now.
      if (!isPull && ofPush !== resourceId) return;
      const run = new IngressRun({ store, info: stored.info, resourceId, observer, log });
      const { error = 'it could not be started' } = JSON.parse(info) as { error?: string };
      await run.ended(isPull ? { error } : { lost: `its node ${owner} was lost` });
    } catch (error) {
      log.warn({ err: error, ingress: id }, 'the end of an Ingress is not written down');
    }
  }
}
