import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import { AdminError } from '../../cluster/admin-views';
import type { SluiceConfig } from '../../contract';
import type { Job } from '../../jobs/job';
import type { JobDispatcher } from '../../jobs/job-dispatcher';
import type { JobStore } from '../../jobs/job-store';
import {
  EGRESS_TYPES,
  egressCost,
  INGRESS_TYPES,
  ingressCost,
  typesOf,
} from '../../jobs/placement/job-costs';
import { explainJob } from '../../jobs/placement/job-explain';
import { inputOf } from '../cluster/admin-input';
import { type AdminPluginOptions, adminPlugin } from '../cluster/admin-plugin';

export interface JobAdminRoutesOptions extends Omit<AdminPluginOptions, 'routes'> {
  readonly config: Pick<SluiceConfig, 'egress' | 'ingress'>;
  readonly dispatcher: Pick<JobDispatcher, 'explain'>;
  readonly store: Pick<JobStore, 'list'>;
}

/** As many ended ones are told at most. */
const MOST_ENDED = 100;

const explainQuery = z.strictObject({
  kind: z.enum(['egress', 'ingress'], 'egress or ingress'),
  type: z.string('a type of Egress or Ingress'),
});

/** What people see of a job: without what was asked for, which may hold addresses with keys in them. */
export type JobView = Omit<Job, 'spec' | 'info'>;

/**
 * `GET /sluice/v1/jobs`: the jobs of the cluster, the running ones and the newest that ended.
 * `GET /sluice/v1/jobs/explain?kind=egress&type=track`: where one would go, and why not elsewhere.
 */
export function jobAdminRoutes(options: JobAdminRoutesOptions): FastifyPluginAsync {
  const { config, dispatcher, store, tokens, log } = options;
  return adminPlugin({
    tokens,
    log,
    routes: [
      {
        method: 'GET',
        path: 'jobs',
        handle: async () => {
          const jobs = (await store.list()).map(viewOf);
          const ended = jobs.filter(({ state }) => state === 'ended').slice(-MOST_ENDED);
          return { jobs: [...jobs.filter(({ state }) => state !== 'ended'), ...ended] };
        },
      },
      {
        method: 'GET',
        path: 'jobs/explain',
        handle: async (request) => {
          const { kind, type } = inputOf(explainQuery, request.query, 'the query');
          const cost = costOf(kind, type, config);
          const candidates = await dispatcher.explain(kind, cost);
          return explainJob({ kind, type, cpus: cost.cpus ?? 0, candidates });
        },
      },
    ],
  });
}

function costOf(kind: 'egress' | 'ingress', type: string, config: JobAdminRoutesOptions['config']) {
  const egress = EGRESS_TYPES.find((one) => kind === 'egress' && one === type);
  if (egress !== undefined) return egressCost(egress, config.egress.cpu_cost);
  const ingress = INGRESS_TYPES.find((one) => kind === 'ingress' && one === type);
  if (ingress !== undefined) return ingressCost(ingress, config.ingress.cpu_cost);
  const allowed = typesOf(kind).join(', ');
  throw new AdminError(
    'invalid',
    `There is no ${kind} of type '${type}'; allowed are: ${allowed}.`,
  );
}

const viewOf = ({ spec: _spec, info: _info, ...view }: Job): JobView => view;
