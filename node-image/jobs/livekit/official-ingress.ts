import {
  DeleteIngressRequest,
  IngressInfo,
  IngressState,
  type UpdateIngressRequest,
} from '@livekit/protocol';
import { RoomError } from '../../room/errors';
import type { ChoiceRules } from './psrpc/choice';
import type { PsrpcClient } from './psrpc/client';
import { NobodyAnsweredError, PsrpcError } from './psrpc/psrpc-error';
import { ActiveIngresses, Nothing, RpcStartIngress } from './rpc-messages';

/** Source: livekit/psrpc, DefaultAffinityTimeout and DefaultAffinityShortCircuit. */
const FOR_NEW: ChoiceRules = { enough: 1, afterFirstMs: 200, withinMs: 1000 };
const FOR_RUNNING: ChoiceRules = { enough: 0, withinMs: 1000 };
const START_MS = 10_000;
const REQUEST_MS = 5000;
const LIST_MS = 1500;

export interface OfficialIngressesOptions {
  /** Of the service `IngressInternal`. */
  readonly services: Pick<PsrpcClient, 'call' | 'ask'>;
  /** Of the service `IngressHandler`: topics are ids of Ingresses. */
  readonly handlers: Pick<PsrpcClient, 'call'>;
}

/**
 * Ingresses of livekit/ingress services on the same Redis. Encoders connect to such a service, which
 * asks this server for their key; URLs are given to one.
 *
 * Source: livekit/livekit, pkg/service/ingress.go.
 */
export class OfficialIngresses {
  readonly #options: OfficialIngressesOptions;

  constructor(options: OfficialIngressesOptions) {
    this.#options = options;
  }

  /** Has a URL pulled. @throws RoomError, RegistryUnavailableError */
  async pull(info: IngressInfo): Promise<void> {
    const request = new RpcStartIngress({ info });
    const call = { name: 'StartIngress', request, answer: IngressInfo, timeoutMs: START_MS };
    try {
      await this.#options.services.call(call, FOR_NEW);
    } catch (error) {
      throw inWords(error);
    }
  }

  /** @throws PsrpcError, RegistryUnavailableError */
  async update(request: UpdateIngressRequest): Promise<void> {
    const call = { name: 'UpdateIngress', topic: request.ingressId, request, answer: IngressState };
    await this.#options.handlers.call({ ...call, timeoutMs: REQUEST_MS }, FOR_RUNNING);
  }

  /** @throws PsrpcError, RegistryUnavailableError */
  async stop({ ingressId }: IngressInfo): Promise<void> {
    const request = new DeleteIngressRequest({ ingressId });
    const call = { name: 'DeleteIngress', topic: ingressId, request, answer: IngressState };
    await this.#options.handlers.call({ ...call, timeoutMs: REQUEST_MS }, FOR_RUNNING);
  }

  /** Ids of the runs that there are now. @throws RegistryUnavailableError */
  async running(): Promise<ReadonlySet<string>> {
    const answers = await this.#options.services.ask({
      name: 'ListActiveIngress',
      request: new Nothing(),
      answer: ActiveIngresses,
      timeoutMs: LIST_MS,
    });
    return new Set(
      answers.flatMap(({ ingressSessions }) => ingressSessions.map(({ resourceId }) => resourceId)),
    );
  }
}

function inWords(error: unknown): unknown {
  if (error instanceof NobodyAnsweredError) {
    const text =
      'no livekit/ingress service takes it: none runs, or none has as much CPU left as it costs';
    return new RoomError('unavailable', text);
  }
  return error instanceof PsrpcError && error.code === 'invalid_argument'
    ? new RoomError('invalid_argument', error.message)
    : error;
}
