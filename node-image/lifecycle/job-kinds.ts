import type { Logger } from 'pino';
import type { SluiceConfig } from '../contract';
import type { EgressObserver } from '../jobs/egress/egress-rules';
import type { IngressObserver } from '../jobs/ingress/ingress-run';
import type { IngressStore } from '../jobs/ingress/ingress-store';
import type { JobRules, JobRunner } from '../jobs/job-runner';
import type { Closers } from './closers';
import { type EgressRunnerParts, egressRules, egressRunner } from './jobs-egress';
import { type IngressHost, ingressRules } from './jobs-ingress';
import type { MediaPlane } from './media-plane';

export interface JobRulesOptions {
  readonly config: SluiceConfig;
  /** Told of what becomes of jobs. */
  readonly webhooks: EgressObserver & IngressObserver;
  readonly ingresses: IngressStore;
  readonly log: Logger;
}

export interface JobRunnersOptions extends JobRulesOptions {
  readonly nodeId: string;
  readonly plane: MediaPlane;
  /** What Egresses need beside. */
  readonly egress: Pick<EgressRunnerParts, 'sealer' | 'keys' | 'wsUrl' | 'openRoom'>;
  /** Takes media into Rooms. */
  readonly ingress: IngressHost;
  readonly closers: Closers;
}

/** Kinds of jobs that are placed on nodes, as every node knows them. */
export const jobRules = ({ config, webhooks, ingresses, log }: JobRulesOptions): JobRules[] => [
  egressRules(config, webhooks),
  ingressRules(config, ingresses, webhooks, log),
];

/** What runs them on a node with media. */
export const jobRunners = (options: JobRunnersOptions): JobRunner[] => {
  const { config, webhooks, egress, ingress, log, closers } = options;
  return [egressRunner({ config, observer: webhooks, ...egress, log, closers }), ingress.runner];
};
