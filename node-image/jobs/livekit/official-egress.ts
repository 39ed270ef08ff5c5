import type { Message } from '@bufbuild/protobuf';
import { EgressInfo, StopEgressRequest, type UpdateStreamRequest } from '@livekit/protocol';
import { EgressError, invalidInput } from '../egress/egress-error';
import type { EgressLauncher } from '../egress/egress-launcher';
import type { EgressRequest } from '../egress/from-request';
import type { EgressRecords } from './egress-records';
import type { ChoiceRules } from './psrpc/choice';
import type { Call, PsrpcClient } from './psrpc/client';
import { mayPass, NobodyAnsweredError, PsrpcError } from './psrpc/psrpc-error';
import { ActiveEgresses, Nothing, RpcStartEgress } from './rpc-messages';

/** A service that already records wants more of it: idle ones stay free for what is large. */
const FOR_NEW: ChoiceRules = { enough: 1, afterFirstMs: 500, withinMs: 1000 };
/** The one that has it. */
const FOR_RUNNING: ChoiceRules = { enough: 0, withinMs: 1000 };
/** So long the first attempt may take, ms; each further one twice as long. */
const START_MS = 10_000;
const OF_RUNNING = { answer: EgressInfo, timeoutMs: 5000 } as const;
/** So long answers are gathered of who runs what, ms. */
const LIST_MS = 1500;
const ATTEMPTS = 3;
/** Before the second attempt, ms; twice as long before the third. */
const PAUSE_MS = 500;

export interface OfficialEgressesOptions {
  /** Of the service `EgressInternal`. */
  readonly services: Pick<PsrpcClient, 'call' | 'ask'>;
  /** Of the service `EgressHandler`: topics are ids of Egresses. */
  readonly handlers: Pick<PsrpcClient, 'call'>;
  readonly records: Pick<EgressRecords, 'created'>;
  /** Empty: as each service is configured. */
  readonly wsUrl: string;
  /** From 0 up to 1. @default Math.random */
  readonly random?: () => number;
}

/**
 * Egresses of livekit/egress services on the same Redis.
 *
 * Source: livekit/livekit, pkg/service/egress.go; livekit/protocol, rpc/egress_client.go.
 */
export class OfficialEgresses implements EgressLauncher {
  readonly takesWaiting = true;
  readonly #options: OfficialEgressesOptions;

  constructor(options: OfficialEgressesOptions) {
    this.#options = options;
  }

  /** What it can do, the service knows. */
  check(request: EgressRequest): void {
    if (request.case !== 'web' && this.roomOf(request) === '' && !isWebOnly(request)) {
      throw invalidInput('room_name');
    }
  }

  roomOf(request: EgressRequest): string {
    return request.case === 'web' ? '' : request.value.roomName;
  }

  async start(id: string, request: EgressRequest, roomId: string): Promise<EgressInfo> {
    this.check(request);
    const { records, wsUrl } = this.#options;
    const roomName = this.roomOf(request);
    const asked = new RpcStartEgress({ egressId: id, request, roomId, roomName, wsUrl });
    const info = await this.#started(asked);
    if (info.egressId !== id) {
      throw new PsrpcError(
        'malformed_result',
        `${id} was asked for, and ${info.egressId} answered`,
      );
    }
    // The service says so as well, and maybe first.
    await records.created(info);
    return info;
  }

  stop(egressId: string): Promise<EgressInfo> {
    const request = new StopEgressRequest({ egressId });
    return this.#asked({ ...OF_RUNNING, name: 'StopEgress', topic: egressId, request });
  }

  updateStream(request: UpdateStreamRequest): Promise<EgressInfo> {
    const { egressId: topic } = request;
    return this.#asked({ ...OF_RUNNING, name: 'UpdateStream', topic, request });
  }

  /** Ids of all that run now, of the services that answer. @throws RegistryUnavailableError */
  async running(): Promise<ReadonlySet<string>> {
    const { services } = this.#options;
    const answers = await services.ask({
      name: 'ListActiveEgress',
      request: new Nothing(),
      answer: ActiveEgresses,
      timeoutMs: LIST_MS,
    });
    return new Set(answers.flatMap(({ egressIds }) => egressIds));
  }

  async #started(request: RpcStartEgress): Promise<EgressInfo> {
    const { services, random = Math.random } = this.#options;
    for (let attempt = 0; ; attempt += 1) {
      const timeoutMs = START_MS * 2 ** attempt;
      try {
        const call = { name: 'StartEgress', request, answer: EgressInfo, timeoutMs } as const;
        return await services.call(call, FOR_NEW);
      } catch (error) {
        if (attempt + 1 >= ATTEMPTS || !mayPass(error)) throw inWords(error);
      }
      const pauseMs = PAUSE_MS * 2 ** attempt * (1 + random());
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  async #asked<Q extends Message<Q>>(call: Call<Q, EgressInfo>): Promise<EgressInfo> {
    try {
      return await this.#options.handlers.call(call, FOR_RUNNING);
    } catch (error) {
      if (!(error instanceof NobodyAnsweredError)) throw error;
      // It is said to run, so that this is not "nobody has room".
      throw new PsrpcError(
        'deadline_exceeded',
        `the livekit/egress service that runs ${call.topic} does not answer`,
        { cause: error },
      );
    }
  }
}

const isWebOnly = (request: EgressRequest): boolean =>
  request.case === 'egress' && request.value.source.case === 'web';

function inWords(error: unknown): unknown {
  if (!(error instanceof NobodyAnsweredError)) return error;
  return new EgressError(
    'unavailable',
    'no livekit/egress service takes it: none runs, or none has as much CPU left as it costs',
    { cause: error },
  );
}
