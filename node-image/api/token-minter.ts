import { SignJWT } from 'jose';
import type { Grants, VideoGrants } from '../room/grants';
import { nameOfTrackSource } from './claims';
import { type ApiKeys, type KeySource, keySourceOf } from './key-ring';

/** A refreshed token lives at least this long, so that a client can rejoin with it. */
const MIN_REFRESH_SECONDS = 10 * 60;

export interface TokenMinterOptions {
  /** The first signs when the wanted one is not among them. */
  readonly keys: ApiKeys;
  /** @default Date.now */
  readonly now?: () => number;
}

/** Signs the tokens the server itself hands out. Source: livekit/protocol auth/accesstoken.go. */
export class TokenMinter {
  readonly #keys: KeySource;
  readonly #now: () => number;

  constructor({ keys, now = Date.now }: TokenMinterOptions) {
    this.#keys = keySourceOf(keys);
    this.#now = now;
  }

  /**
   * The token a participant rejoins with: what it is granted now, and as much time as its first
   * token had left, but at least 10 minutes.
   *
   * @throws Error when there is no API key at all.
   */
  refresh(grants: Grants, expiresAtMs: number): Promise<string> {
    const remaining = Math.ceil((expiresAtMs - this.#now()) / 1000);
    const seconds = Math.max(MIN_REFRESH_SECONDS, remaining);
    return this.mint(grants.apiKey, claimsOfGrants(grants), seconds, grants.identity);
  }

  /** @param subject the identity; empty leaves `sub` out. */
  async mint(
    apiKey: string,
    claims: Record<string, unknown>,
    seconds: number,
    subject = '',
  ): Promise<string> {
    const key = this.#keys.signingKey(apiKey);
    if (key === undefined) {
      throw new Error('There is no API key to sign a token with. Add one under "keys".');
    }
    const now = Math.floor(this.#now() / 1000);
    const jwt = new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuer(key.apiKey)
      .setIssuedAt(now)
      .setNotBefore(now)
      .setExpirationTime(now + seconds);
    if (subject !== '') jwt.setSubject(subject);
    return jwt.sign(key.secret);
  }
}

/** The claims of a token, without what is at its default. */
function claimsOfGrants(grants: Grants): Record<string, unknown> {
  return withoutDefaults({
    name: grants.name,
    kind: grants.kind,
    kindDetails: grants.kindDetails,
    metadata: grants.metadata,
    attributes: Object.keys(grants.attributes).length > 0 ? grants.attributes : undefined,
    roomPreset: grants.roomPreset,
    roomConfig: grants.roomConfig?.toJson(),
    video: videoClaim(grants.video),
    sluice: grants.agentJob && { agentJob: grants.agentJob },
  });
}

function videoClaim({ canPublishSources, ...video }: VideoGrants): Record<string, unknown> {
  const { canPublish, canSubscribe, canPublishData, ...rest } = video;
  const { canUpdateOwnMetadata, canSubscribeMetrics, canManageAgentSession, ...plain } = rest;
  return {
    ...withoutDefaults({ ...plain, canPublishSources: canPublishSources.map(nameOfTrackSource) }),
    // An explicit false must survive, so only what was never said is left out (by JSON).
    canPublish,
    canSubscribe,
    canPublishData,
    canUpdateOwnMetadata,
    canSubscribeMetrics,
    canManageAgentSession,
  };
}

function withoutDefaults(claims: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(claims).filter(([, value]) =>
      Array.isArray(value) ? value.length > 0 : Boolean(value),
    ),
  );
}
