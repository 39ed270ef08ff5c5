import { EgressInfo, IngressInfo, ListEgressRequest, ListEgressResponse } from '@livekit/protocol';
import type { Logger } from 'pino';
import { listEgresses } from '../egress/egress-control';
import type { JobStore } from '../job-store';
import type { EgressRecords } from './egress-records';
import type { IngressRecords } from './ingress-records';
import { PsrpcError } from './psrpc/psrpc-error';
import { type Served, served } from './psrpc/server';
import {
  EgressMetrics,
  GetEgress,
  GetIngress,
  IngressAnswer,
  Nothing,
  SetIngressState,
} from './rpc-messages';

export interface IoInfoOptions {
  readonly store: Pick<JobStore, 'get' | 'list'>;
  readonly egress: Pick<EgressRecords, 'created' | 'updated'>;
  readonly ingress: Pick<IngressRecords, 'find' | 'created' | 'said'>;
  readonly log: Pick<Logger, 'debug'>;
}

/** What LiveKit's services ask of a server, and tell it. Source: livekit/protocol, rpc/io.proto. */
export const ioInfo = (options: IoInfoOptions): Readonly<Record<string, Served>> => ({
  ...ofEgress(options),
  ...ofIngress(options),
});

const ofEgress = ({ store, egress, log }: IoInfoOptions): Record<string, Served> => ({
  CreateEgress: served(EgressInfo, async (info) => {
    await egress.created(info);
    return new Nothing();
  }),
  UpdateEgress: served(EgressInfo, async (info) => {
    await egress.updated(info);
    return new Nothing();
  }),
  GetEgress: served(GetEgress, async ({ egressId }) => {
    const [info] = await listEgresses(store, new ListEgressRequest({ egressId }));
    if (egressId === '' || info === undefined) {
      throw new PsrpcError('not_found', 'egress does not exist');
    }
    return info;
  }),
  ListEgress: served(
    ListEgressRequest,
    async (request) => new ListEgressResponse({ items: await listEgresses(store, request) }),
  ),
  UpdateMetrics: served(EgressMetrics, async ({ info, avgCpuUsage, maxCpuUsage }) => {
    log.debug({ egress: info?.egressId, avgCpuUsage, maxCpuUsage }, 'what an Egress has cost');
    return new Nothing();
  }),
});

const ofIngress = ({ ingress }: IoInfoOptions): Record<string, Served> => ({
  CreateIngress: served(
    IngressInfo,
    async (info) => new IngressAnswer({ info: await ingress.created(info) }),
  ),
  GetIngressInfo: served(
    GetIngress,
    async ({ ingressId, streamKey }) =>
      new IngressAnswer({ info: await ingress.find(ingressId, streamKey) }),
  ),
  UpdateIngressState: served(SetIngressState, async ({ ingressId, state }) => {
    if (state === undefined) throw new PsrpcError('invalid_argument', 'state is missing');
    await ingress.said(ingressId, state);
    return new Nothing();
  }),
});
