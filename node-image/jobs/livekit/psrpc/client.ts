import type { Message, MessageType } from '@bufbuild/protobuf';
import type { MessageBus } from './bus';
import { answerChannel, callChannel, choiceChannel, claimChannel } from './channels';
import { Choice, type ChoiceRules } from './choice';
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
import { NobodyAnsweredError, PsrpcError } from './psrpc-error';

/** As many answers to one question are kept. */
const MOST_ANSWERS = 10_000;

/** How a method is called. */
export interface Call<Q extends Message<Q>, A extends Message<A>> {
  readonly name: string;
  /** Who is called; empty: whoever serves the method. @default '' */
  readonly topic?: string;
  readonly request: Q;
  readonly answer: MessageType<A>;
  /** ms. */
  readonly timeoutMs: number;
}

export interface PsrpcClientOptions {
  readonly bus: MessageBus;
  /** As its protocol file names it, such as `EgressInternal`. */
  readonly service: string;
  /** ms since 1970. @default Date.now */
  readonly now?: () => number;
}

interface Waiting {
  readonly onClaim: (claim: ClaimRequest) => void;
  readonly onAnswer: (answer: Response) => void;
}

/** Calls a service that speaks psrpc. Source: livekit/psrpc, pkg/client. */
export class PsrpcClient {
  readonly #options: PsrpcClientOptions;
  readonly #id = newPsrpcId('CLI_');
  readonly #waiting = new Map<string, Waiting>();
  readonly #deaf: readonly (() => void)[];

  constructor(options: PsrpcClientOptions) {
    const { bus, service } = options;
    this.#options = options;
    this.#deaf = [
      bus.listen(claimChannel(service, this.#id), (bytes) => {
        const claim = opened(ClaimRequest, bytes);
        if (claim !== undefined) this.#waiting.get(claim.requestId)?.onClaim(claim);
      }),
      bus.listen(answerChannel(service, this.#id), (bytes) => {
        const answer = opened(Response, bytes);
        if (answer !== undefined) this.#waiting.get(answer.requestId)?.onAnswer(answer);
      }),
    ];
  }

  /**
   * Has one server do it: the one that is chosen of those who want it.
   *
   * @throws NobodyAnsweredError, PsrpcError, RegistryUnavailableError
   */
  async call<Q extends Message<Q>, A extends Message<A>>(
    call: Call<Q, A>,
    rules: ChoiceRules,
  ): Promise<A> {
    const { bus, service } = this.#options;
    const { name, topic = '', timeoutMs } = call;
    const method = { service, name, topic };
    const choice = new Choice({ ...rules, withinMs: Math.min(rules.withinMs, timeoutMs) });
    const id = newPsrpcId('REQ_');
    let timer: NodeJS.Timeout | undefined;
    let isAnswered = false;
    try {
      const answered = new Promise<Response>((resolve, reject) => {
        this.#waiting.set(id, {
          onClaim: (claim) => choice.take(claim),
          onAnswer: (answer) => {
            isAnswered = true;
            resolve(answer);
            // Before anybody was chosen: who could not even read it.
            choice.end();
          },
        });
        timer = setTimeout(() => reject(timedOut(call, service)), timeoutMs);
      });
      // It may come to nothing while nobody waits for it yet.
      answered.catch(() => {});
      await bus.publish(callChannel(method), this.#sealed(id, call, false));
      const serverId = await choice.made;
      if (serverId !== undefined) {
        const chosen = new ClaimResponse({ requestId: id, serverId });
        await bus.publish(choiceChannel(method), sealed(chosen));
      } else if (!isAnswered) {
        throw new NobodyAnsweredError(`${service}.${name}${topic && ` of ${topic}`}`);
      }
      return answerOf(await answered, call.answer);
    } finally {
      clearTimeout(timer);
      choice.end();
      this.#waiting.delete(id);
    }
  }

  /**
   * Asks all servers.
   *
   * @returns what was answered within the time.
   * @throws RegistryUnavailableError
   */
  async ask<Q extends Message<Q>, A extends Message<A>>(call: Call<Q, A>): Promise<A[]> {
    const { bus, service } = this.#options;
    const { name, topic = '', timeoutMs } = call;
    const id = newPsrpcId('REQ_');
    const answers: A[] = [];
    this.#waiting.set(id, {
      onClaim: () => {},
      onAnswer: (answer) => {
        if (answers.length >= MOST_ANSWERS) return;
        try {
          answers.push(answerOf(answer, call.answer));
        } catch {
          // Of one that cannot say it, nothing is known.
        }
      },
    });
    try {
      await bus.publish(callChannel({ service, name, topic }), this.#sealed(id, call, true));
      await new Promise((resolve) => setTimeout(resolve, timeoutMs));
      return answers;
    } finally {
      this.#waiting.delete(id);
    }
  }

  /** Hears no answers any more. Idempotent. */
  close(): void {
    for (const deaf of this.#deaf) deaf();
    this.#waiting.clear();
  }

  #sealed<Q extends Message<Q>, A extends Message<A>>(
    requestId: string,
    { request, timeoutMs }: Call<Q, A>,
    multi: boolean,
  ): Buffer {
    const { now = Date.now } = this.#options;
    return sealed(
      new Request({
        requestId,
        clientId: this.#id,
        sentAt: nanoseconds(now()),
        expiry: nanoseconds(now() + timeoutMs),
        multi,
        rawRequest: request.toBinary(),
      }),
    );
  }
}

const timedOut = ({ name, timeoutMs }: { name: string; timeoutMs: number }, service: string) =>
  new PsrpcError(
    'deadline_exceeded',
    `request timed out: ${service}.${name} was not answered within ${timeoutMs} ms`,
  );

/** @throws PsrpcError */
function answerOf<A extends Message<A>>(
  { error, code, rawResponse }: Response,
  type: MessageType<A>,
): A {
  if (error !== '' || code !== '') throw new PsrpcError(code || 'unknown', error || code);
  try {
    return type.fromBinary(rawResponse);
  } catch (cause) {
    throw new PsrpcError('malformed_result', `the answer is no ${type.typeName}`, { cause });
  }
}
