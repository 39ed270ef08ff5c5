import type { IncomingMessage } from 'node:http';
import { TokenError, type TokenVerifier, type VerifiedToken } from '../api/tokens';
import type { ClientAddresses } from './client-address';
import { type JoinLimits, JoinRefusedError } from './client-limits';
import { type JoinQuery, readJoinQuery } from './join-query';
import { type AllowedJoin, allowedJoin, JoinError, type JoinLengths } from './join-validation';

export interface JoinGateOptions {
  readonly tokens: TokenVerifier;
  readonly addresses: Pick<ClientAddresses, 'of'>;
  readonly limits: JoinLimits;
  readonly lengths: JoinLengths;
}

/** A handshake that has passed: who it is, and how it wants to join. */
export interface PassedJoin extends AllowedJoin {
  readonly query: JoinQuery;
  readonly token: VerifiedToken;
  /** The client's own; empty when its connection is gone. */
  readonly address: string;
}

/** Lets pass those whose token allows a join, and not too many of them. */
export class JoinGate {
  readonly #options: JoinGateOptions;

  constructor(options: JoinGateOptions) {
    this.#options = options;
  }

  /**
   * The first look at a handshake.
   *
   * @returns to be called when the handshake is over.
   * @throws JoinError
   */
  async begin(request: IncomingMessage): Promise<() => void> {
    return this.#translated(() => this.#options.limits.begin(this.#options.addresses.of(request)));
  }

  /** @throws JoinError with LiveKit's status and text. */
  async check(request: IncomingMessage): Promise<PassedJoin> {
    const { tokens, addresses, lengths } = this.#options;
    return this.#translated(async () => {
      const token = await tokens.verifyRequest(request);
      const url = request.url ?? '';
      const start = url.indexOf('?');
      const params = new URLSearchParams(start < 0 ? '' : url.slice(start + 1));
      const address = addresses.of(request);
      const query = readJoinQuery(params, address);
      const allowed = allowedJoin(token?.grants, query, lengths);
      if (token === undefined) {
        throw new JoinError(401, 'no permissions to access the room');
      }
      return { ...allowed, query, token, address };
    });
  }

  /** Counts a join against its API key. @throws JoinError */
  async count(passed: PassedJoin): Promise<void> {
    return this.#translated(() => this.#options.limits.countKey(passed.grants.apiKey));
  }

  async #translated<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof TokenError) {
        throw new JoinError(error.status, error.message);
      }
      if (error instanceof JoinRefusedError) {
        throw new JoinError(error.status, error.message, error.retryAfterSeconds);
      }
      throw error;
    }
  }
}
