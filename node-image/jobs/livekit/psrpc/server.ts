import type { Message, MessageType } from '@bufbuild/protobuf';
import type { Logger } from 'pino';
import { RegistryUnavailableError } from '../../../cluster/registry';
import type { MessageBus } from './bus';
import { answerChannel, callChannel, choiceChannel, claimChannel } from './channels';
import {
  ClaimRequest,
  ClaimResponse,
  nanoseconds,
  opened,
  Request,
  Response,
  sealed,
} from './envelopes';
import { newPsrpcId } from './ids';
import { PsrpcError } from './psrpc-error';

/** As many calls are worked on at once: of more, nobody answers, and the caller asks again. */
const MOST_AT_ONCE = 1000;

/** Answers calls of one method, each of which one server of the service gets. */
export interface Served {
  /** @throws PsrpcError where it cannot be done, malformed_request where it cannot be read. */
  answer(request: Uint8Array): Promise<Uint8Array>;
}

/** A method by its types. */
export const served = <Q extends Message<Q>, A extends Message<A>>(
  type: MessageType<Q>,
  answer: (request: Q) => Promise<A>,
): Served => ({
  answer: async (bytes) => {
    let request: Q;
    try {
      request = type.fromBinary(bytes);
    } catch (cause) {
      throw new PsrpcError('malformed_request', `this is no ${type.typeName}`, { cause });
    }
    return (await answer(request)).toBinary();
  },
});

export interface PsrpcServerOptions {
  readonly bus: MessageBus;
  /** As its protocol file names it, such as `IOInfo`. */
  readonly service: string;
  /** By name. */
  readonly methods: Readonly<Record<string, Served>>;
  readonly log: Logger;
  /** ms since 1970. @default Date.now */
  readonly now?: () => number;
}

/**
 * Serves the methods of a service that are for one server each, and have no topic: of several Master
 * Nodes, the one that first takes a call does it. Source: livekit/psrpc, pkg/server.
 *
 * Whatever comes over the channels, nothing here throws.
 */
export class PsrpcServer {
  readonly #options: PsrpcServerOptions;
  readonly #id = newPsrpcId('SRV_');
  readonly #deaf: (() => void)[] = [];
  /** By request: told which server has it. */
  readonly #claims = new Map<string, (serverId: string) => void>();
  readonly #working = new Set<Promise<void>>();

  constructor(options: PsrpcServerOptions) {
    this.#options = options;
    const { bus, service, methods } = options;
    for (const [name, method] of Object.entries(methods)) {
      const where = { service, name, topic: '' };
      this.#deaf.push(
        bus.listen(callChannel(where), (bytes) => this.#take(name, method, bytes)),
        bus.listen(choiceChannel(where), (bytes) => {
          const chosen = opened(ClaimResponse, bytes);
          if (chosen !== undefined) this.#claims.get(chosen.requestId)?.(chosen.serverId);
        }),
      );
    }
  }

  /** Takes no more calls; resolves when those are answered that were taken. Idempotent. */
  async close(): Promise<void> {
    for (const deaf of this.#deaf.splice(0)) deaf();
    for (const lose of [...this.#claims.values()]) lose('');
    await Promise.all(this.#working);
  }

  #take(name: string, method: Served, bytes: Buffer): void {
    const { log } = this.#options;
    if (this.#working.size >= MOST_AT_ONCE) return;
    const request = opened(Request, bytes);
    if (request === undefined) return;
    const working = this.#work(name, method, request, bytes)
      .catch((error: unknown) => {
        // That Redis is away is in the log already; who called asks again.
        if (error instanceof RegistryUnavailableError) return;
        log.error({ err: error, method: name }, 'a call of a LiveKit service was not answered');
      })
      .finally(() => this.#working.delete(working));
    this.#working.add(working);
  }

  async #work(name: string, method: Served, request: Request, bytes: Buffer): Promise<void> {
    const { bus, service } = this.#options;
    const { requestId, clientId } = request;
    if (this.#leftMs(request) <= 0 || !(await bus.takes(bytes))) return;
    const isOurs = this.#chosen(request);
    const claim = new ClaimRequest({ requestId, serverId: this.#id, affinity: 1 });
    await bus.publish(claimChannel(service, clientId), sealed(claim));
    if (!(await isOurs)) return;
    const answer = await this.#answer(name, method, request.rawRequest);
    const response = new Response({
      requestId,
      serverId: this.#id,
      sentAt: nanoseconds(this.#now()),
      ...answer,
    });
    await bus.publish(answerChannel(service, clientId), sealed(response));
  }

  /** Whether the caller gives it to this server, before it is too late. */
  #chosen(request: Request): Promise<boolean> {
    const { requestId } = request;
    return new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => decide(''), Math.max(0, this.#leftMs(request)));
      const decide = (serverId: string): void => {
        clearTimeout(timer);
        this.#claims.delete(requestId);
        resolve(serverId === this.#id);
      };
      this.#claims.set(requestId, decide);
    });
  }

  async #answer(
    name: string,
    method: Served,
    request: Uint8Array,
  ): Promise<{ rawResponse: Uint8Array } | { code: string; error: string }> {
    try {
      return { rawResponse: await method.answer(request) };
    } catch (error) {
      if (error instanceof PsrpcError) return { code: error.code, error: error.message };
      if (error instanceof RegistryUnavailableError) {
        return { code: 'unavailable', error: error.message };
      }
      this.#options.log.error({ err: error, method: name }, 'a call of a LiveKit service failed');
      return { code: 'internal', error: 'internal error' };
    }
  }

  /** At most an hour: clocks differ, and what a caller says is not trusted. */
  #leftMs({ expiry }: Request): number {
    return Math.min(Number(expiry / 1_000_000n) - this.#now(), 3_600_000);
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }
}
