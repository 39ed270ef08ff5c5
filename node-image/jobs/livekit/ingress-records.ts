import { type IngressInfo, IngressState, IngressState_Status } from '@livekit/protocol';
import type { Logger } from 'pino';
import { runs } from '../ingress/ingress-control';
import type { IngressObserver } from '../ingress/ingress-run';
import { changeIngress, type IngressStore } from '../ingress/ingress-store';
import { nodeOfResource } from '../ingress/whip/whip-host';
import { PsrpcError } from './psrpc/psrpc-error';

/** Of what is said of a run, in bytes. */
const MOST_BYTES = 256 << 10;

export interface IngressRecordsOptions {
  readonly store: IngressStore;
  /** Sends webhooks. */
  readonly observer: IngressObserver;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

const notFound = (): PsrpcError => new PsrpcError('not_found', 'ingress does not exist');

/**
 * What livekit/ingress services ask and say of Ingresses.
 *
 * Source: livekit/livekit, pkg/service/ioservice_ingress.go.
 */
export class IngressRecords {
  readonly #options: IngressRecordsOptions;

  constructor(options: IngressRecordsOptions) {
    this.#options = options;
  }

  /** @throws PsrpcError where there is none. */
  async find(ingressId: string, streamKey: string): Promise<IngressInfo> {
    const { store } = this.#options;
    if (ingressId === '' && streamKey === '') {
      throw new PsrpcError(
        'invalid_argument',
        'request needs to specify either IngressId or StreamKey',
      );
    }
    const found =
      ingressId === '' ? await store.byStreamKey(streamKey) : await store.get(ingressId);
    if (found === undefined) throw notFound();
    return found.info;
  }

  /** One that is pulled: the server has it before the service does. @throws PsrpcError */
  async created(info: IngressInfo): Promise<IngressInfo> {
    const stored = await this.#options.store.get(info.ingressId);
    if (stored === undefined) throw notFound();
    return stored.info;
  }

  /** The newest run counts. @throws PsrpcError where there is none. */
  async said(ingressId: string, state: IngressState): Promise<void> {
    if (state.toBinary().length > MOST_BYTES) {
      throw new PsrpcError('invalid_argument', `more than ${MOST_BYTES} bytes are said of a run`);
    }
    let before: IngressState_Status | undefined;
    let isOld = false;
    const info = await changeIngress(this.#options.store, ingressId, (one) => {
      const known = one.state ?? new IngressState();
      isOld = known.resourceId !== state.resourceId && known.startedAt > state.startedAt;
      if (isOld) return false;
      before = known.status;
      one.state = state;
      return true;
    });
    if (info === undefined) throw notFound();
    if (!isOld && before !== state.status) this.#tell(info);
  }

  /** Those that a service is said to run. @throws RegistryUnavailableError */
  async running(): Promise<IngressInfo[]> {
    const all = await this.#options.store.list();
    return all.map(({ info }) => info).filter((info) => runs(info) && isOfService(info));
  }

  /** No service runs it any more. @throws RegistryUnavailableError */
  async lost({ ingressId, state }: IngressInfo): Promise<void> {
    const { store, log } = this.#options;
    const lostId = state?.resourceId;
    const info = await changeIngress(store, ingressId, (one) => {
      if (one.state?.resourceId !== lostId || !runs(one)) return false;
      const { ENDPOINT_INACTIVE, ENDPOINT_ERROR } = IngressState_Status;
      one.state = new IngressState({ ...one.state, tracks: [] });
      one.state.status = one.reusable ? ENDPOINT_INACTIVE : ENDPOINT_ERROR;
      one.state.error = 'its livekit/ingress service was lost';
      return true;
    });
    if (info === undefined || runs(info)) return;
    log.warn({ ingress: ingressId }, 'a run of an Ingress ends that no service runs any more');
    this.#tell(info);
  }

  #tell(info: IngressInfo): void {
    const { observer } = this.#options;
    switch (info.state?.status) {
      case IngressState_Status.ENDPOINT_PUBLISHING:
        observer.ingressStarted?.(info);
        break;
      case IngressState_Status.ENDPOINT_INACTIVE:
      case IngressState_Status.ENDPOINT_ERROR:
      case IngressState_Status.ENDPOINT_COMPLETE:
        observer.ingressEnded?.(info);
        break;
      default:
    }
  }
}

/** Runs of nodes name their node. */
const isOfService = ({ state }: IngressInfo): boolean =>
  nodeOfResource(state?.resourceId ?? '') === undefined;
