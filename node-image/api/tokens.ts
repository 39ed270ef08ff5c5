import type { IncomingHttpHeaders } from 'node:http';
import { decodeJwt, errors, jwtVerify } from 'jose';
import type { Grants } from '../room/grants';
import { ClaimsError, grantsOfClaims } from './claims';
import { type ApiKeys, type KeySource, keySourceOf } from './key-ring';

/** How far a caller's clock may be off, as LiveKit allows. */
const LEEWAY_SECONDS = 60;
const BEARER = 'Bearer ';

/** A token was refused. The text is LiveKit's and is safe to show; the HTTP status is 401. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
  readonly status = 401;
}

export interface VerifiedToken {
  readonly grants: Grants;
  /** The `exp` claim, in ms since 1970. */
  readonly expiresAtMs: number;
}

/** What is read of a request: an `IncomingMessage` is one. */
export interface TokenRequest {
  readonly headers: IncomingHttpHeaders;
  readonly url?: string | undefined;
}

export interface TokenVerifierOptions {
  readonly keys: ApiKeys;
  /** @default Date.now */
  readonly now?: () => number;
}

/**
 * Verifies LiveKit access tokens: HS256, an `exp`, `exp` and `nbf` with a minute of leeway.
 *
 * Source: livekit/protocol auth/verifier.go.
 */
export class TokenVerifier {
  readonly #keys: KeySource;
  readonly #now: () => number;

  constructor({ keys, now = Date.now }: TokenVerifierOptions) {
    this.#keys = keySourceOf(keys);
    this.#now = now;
  }

  /** @throws TokenError */
  async verify(token: string): Promise<VerifiedToken> {
    const secret = this.#secretOf(token);
    try {
      const { payload } = await jwtVerify(token, secret, {
        algorithms: ['HS256'],
        clockTolerance: LEEWAY_SECONDS,
        currentDate: new Date(this.#now()),
        requiredClaims: ['exp', 'iss'],
      });
      return { grants: grantsOfClaims(payload), expiresAtMs: (payload.exp ?? 0) * 1000 };
    } catch (error) {
      throw new TokenError(`invalid authorization token: ${reasonOf(error)}`, { cause: error });
    }
  }

  /**
   * @returns undefined when the request carries no token: LiveKit lets it through, and the
   *   method refuses it.
   * @throws TokenError when it carries one that is not valid.
   */
  async verifyRequest(request: TokenRequest): Promise<VerifiedToken | undefined> {
    const token = tokenOfRequest(request);
    return token === '' ? undefined : this.verify(token);
  }

  #secretOf(token: string): Uint8Array {
    let issuer: unknown;
    try {
      issuer = decodeJwt(token).iss;
    } catch (error) {
      throw new TokenError('invalid authorization token', { cause: error });
    }
    const secret = typeof issuer === 'string' ? this.#keys.secretOf(issuer) : undefined;
    if (secret === undefined) throw new TokenError('invalid API key');
    return secret;
  }
}

/**
 * The token of a request: `Authorization: Bearer`, else `access_token` of the query; empty when
 * there is neither.
 *
 * @throws TokenError when there is an Authorization header of another kind.
 */
export function tokenOfRequest({ headers, url = '' }: TokenRequest): string {
  const header = headers.authorization;
  if (header === undefined || header === '') {
    const query = url.indexOf('?');
    if (query === -1) return '';
    return new URLSearchParams(url.slice(query + 1)).get('access_token') ?? '';
  }
  if (!header.startsWith(BEARER)) {
    throw new TokenError(`invalid authorization header. Must start with ${BEARER}`);
  }
  return header.slice(BEARER.length);
}

function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'token is expired';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature is invalid';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'signing method is not HS256';
  if (error instanceof errors.JWTClaimValidationFailed) {
    return error.claim === 'nbf' ? 'token is not valid yet' : `claim "${error.claim}" is not valid`;
  }
  return error instanceof ClaimsError ? error.message : 'token is malformed';
}
