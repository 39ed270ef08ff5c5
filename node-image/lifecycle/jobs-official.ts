import type { Logger } from 'pino';
import { SharedRedis } from '../cluster/redis/shared-redis';
import type { SluiceConfig } from '../contract';
import type { EgressObserver } from '../jobs/egress/egress-rules';
import type { SpecSealer } from '../jobs/egress/sealed-spec';
import type { IngressObserver } from '../jobs/ingress/ingress-run';
import type { IngressStore } from '../jobs/ingress/ingress-store';
import type { JobCare } from '../jobs/job-reaper';
import type { JobRules } from '../jobs/job-runner';
import type { JobStore } from '../jobs/job-store';
import { EgressRecords } from '../jobs/livekit/egress-records';
import { IngressRecords } from '../jobs/livekit/ingress-records';
import { ioInfo } from '../jobs/livekit/io-info';
import { OfficialCare } from '../jobs/livekit/official-care';
import { OfficialEgresses } from '../jobs/livekit/official-egress';
import { OfficialIngresses } from '../jobs/livekit/official-ingress';
import { OfficialWatch } from '../jobs/livekit/official-watch';
import { PsrpcClient } from '../jobs/livekit/psrpc/client';
import { RedisBus } from '../jobs/livekit/psrpc/redis-bus';
import { PsrpcServer } from '../jobs/livekit/psrpc/server';
import type { Closers } from './closers';

/** LiveKit's own services for jobs, where the configuration says so. */
export interface OfficialServices {
  /** With `egress.service: livekit`. */
  readonly egress?: OfficialEgresses | undefined;
  /** With `ingress.service: livekit`. */
  readonly ingress?: OfficialIngresses | undefined;
  /** What looks after Egresses that wait, instead of the nodes. @default - nodes run them */
  readonly care: (rules: JobRules, sealer: SpecSealer) => JobCare | undefined;
  /** Ids of Egresses that are taken for running. */
  readonly running: () => ReadonlySet<string>;
}

export interface OfficialOptions {
  readonly config: SluiceConfig;
  readonly shared: Pick<SharedRedis, 'ask' | 'listenToBytes'>;
  readonly jobs: JobStore;
  readonly ingresses: IngressStore;
  readonly webhooks: EgressObserver & IngressObserver;
  readonly leads: () => boolean;
  readonly log: Logger;
  readonly closers: Closers;
}

export const usesOfficial = ({ egress, ingress }: SluiceConfig): boolean =>
  egress.service === 'livekit' || ingress.service === 'livekit';

/** @returns undefined where nodes run all jobs by themselves. */
export function officialServices(options: OfficialOptions): OfficialServices | undefined {
  const { config, shared, jobs, ingresses, webhooks: observer, leads, log, closers } = options;
  if (!usesOfficial(config)) return undefined;
  const bus = new RedisBus(shared);
  const clientOf = (service: string): PsrpcClient => {
    const client = new PsrpcClient({ bus, service });
    closers.add(() => client.close());
    return client;
  };
  const ofEgress = new EgressRecords({ store: jobs, observer, log });
  const ofIngress = new IngressRecords({ store: ingresses, observer, log });
  const methods = ioInfo({ store: jobs, egress: ofEgress, ingress: ofIngress, log });
  const server = new PsrpcServer({ bus, service: 'IOInfo', methods, log });
  closers.add(() => server.close());
  const egress =
    config.egress.service === 'livekit'
      ? new OfficialEgresses({
          services: clientOf('EgressInternal'),
          handlers: clientOf('EgressHandler'),
          records: ofEgress,
          wsUrl: config.egress.ws_url,
        })
      : undefined;
  const ingress =
    config.ingress.service === 'livekit'
      ? new OfficialIngresses({
          services: clientOf('IngressInternal'),
          handlers: clientOf('IngressHandler'),
        })
      : undefined;
  const watch = new OfficialWatch({
    egress: egress && { services: egress, records: ofEgress },
    ingress: ingress && { services: ingress, records: ofIngress },
    leads,
    log,
  });
  closers.add(() => watch.close());
  return {
    egress,
    ingress,
    care: (rules, sealer) => egress && new OfficialCare({ rules, sealer, egresses: egress }),
    running: () => watch.running,
  };
}

/** A Single Node shares nothing with others but this, over a Redis that it needs for nothing else. */
export async function singleOfficial(
  options: Omit<OfficialOptions, 'shared' | 'leads'>,
): Promise<OfficialServices | undefined> {
  const { config, log, closers } = options;
  if (!usesOfficial(config)) return undefined;
  const { redis, sluice } = config;
  const shared = await SharedRedis.connect({ redis, clusterName: sluice.cluster.name, log });
  closers.add(() => shared.close());
  return officialServices({ ...options, shared, leads: () => true });
}
