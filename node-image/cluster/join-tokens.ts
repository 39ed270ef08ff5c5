import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { customAlphabet } from 'nanoid';
import { z } from 'zod';
import type { Registry } from './registry';

/** What a machine becomes by a token. */
export type JoinRole = 'media' | 'master';

/** A token as the registry knows it: nothing of it lets anybody join. */
export interface JoinTokenView {
  readonly id: string;
  readonly state: 'open' | 'used' | 'revoked' | 'expired';
  readonly role: JoinRole;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  /** The machine that has used it. */
  readonly usedBy?: string | undefined;
}

/** A token that was just made. Its secret is told this once. */
export interface NewJoinToken {
  readonly id: string;
  readonly secret: string;
  readonly expiresAtMs: number;
}

/** What a machine shows for itself. */
export interface JoinAttempt {
  readonly id: string;
  readonly secret: string;
  /** What it asks to be. */
  readonly role: JoinRole;
  /** A random text of this machine: by it the same machine may come again with a used token. */
  readonly claim: string;
  /** Of the machine, for people. */
  readonly machine: string;
}

/** `unknown`: there is none, or the secret is another. The others are told only to who has the secret. */
export type JoinVerdict =
  | { readonly verdict: 'taken' }
  | { readonly verdict: 'unknown' | 'expired' | 'revoked' }
  | { readonly verdict: 'other-role'; readonly role: JoinRole }
  | { readonly verdict: 'used'; readonly by: string };

export interface JoinTokensOptions {
  readonly registry: Pick<Registry, 'document' | 'writeDocument' | 'snapshot'>;
  /** `sluice.cluster.secret`. */
  readonly clusterSecret: string;
}

/** The document of the registry that the tokens are in. */
export const JOIN_TOKENS_DOCUMENT = 'join-tokens';
/** So many there may be, those that were used or have expired within a day among them. */
export const MOST_JOIN_TOKENS = 200;
/** For so long people can see what became of a token, ms. */
const REMEMBERED_MS = 24 * 3_600_000;
/** How often a change is tried again that another node was faster than: each time somebody was. */
const ATTEMPTS = 100;

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const newId = customAlphabet(BASE62, 12);
/** 43 characters of 62 are 256 bits. */
const newSecret = customAlphabet(BASE62, 43);

const storedToken = z.object({
  id: z.string(),
  /** base64 of HMAC-SHA256 over id, secret, times and role: who writes to Redis can make no token. */
  mac: z.base64(),
  createdAtMs: z.number(),
  expiresAtMs: z.number(),
  /** @default media */
  role: z.enum(['media', 'master']).optional(),
  isRevoked: z.boolean().optional(),
  used: z.object({ machine: z.string(), claim: z.base64() }).optional(),
});
const document = z.object({ format: z.literal(1), tokens: z.array(storedToken) });
type StoredToken = z.infer<typeof storedToken>;

/** There are too many tokens, or what the registry has of them cannot be read. */
export class JoinTokensError extends Error {
  override readonly name = 'JoinTokensError';
}

/**
 * The tokens by which machines join, in a document of the registry. Each is good for one machine and
 * until a time, by the registry's clock. Of its secret only an HMAC is kept.
 *
 * A change is written only over the version that it was made from, which Redis checks as one step: of
 * two machines with one token one joins. Methods reject with RegistryUnavailableError, JoinTokensError.
 */
export class JoinTokens {
  readonly #registry: JoinTokensOptions['registry'];
  readonly #key: Uint8Array;

  constructor({ registry, clusterSecret }: JoinTokensOptions) {
    this.#registry = registry;
    this.#key = new Uint8Array(hkdfSync('sha256', clusterSecret, '', 'sluice join tokens', 32));
  }

  /** @param lifeMs - how long it is good for */
  async create(lifeMs: number, role: JoinRole = 'media'): Promise<NewJoinToken> {
    const [id, secret] = [newId(), newSecret()];
    const expiresAtMs = await this.#change((tokens, nowMs) => {
      if (tokens.length >= MOST_JOIN_TOKENS) {
        throw new JoinTokensError(
          `There are ${tokens.length} join tokens, and no more than ${MOST_JOIN_TOKENS} may be: wait until old ones are forgotten, a day after they have expired.`,
        );
      }
      const expiresAtMs = nowMs + lifeMs;
      const said = { createdAtMs: nowMs, expiresAtMs, ...(role !== 'media' && { role }) };
      const token = { id, ...said, mac: this.#macOf(id, secret, said).toString('base64') };
      return { tokens: [...tokens, token], result: expiresAtMs };
    });
    return { id, secret, expiresAtMs };
  }

  /** The newest first. */
  async list(): Promise<JoinTokenView[]> {
    const { tokens, nowMs } = await this.#read();
    return tokens
      .map((token) => ({
        id: token.id,
        state: stateOf(token, nowMs),
        role: roleOf(token),
        createdAtMs: token.createdAtMs,
        expiresAtMs: token.expiresAtMs,
        usedBy: token.used?.machine,
      }))
      .reverse();
  }

  /** Nobody joins with it any more. @returns its state before; undefined: there is none. */
  revoke(id: string): Promise<JoinTokenView['state'] | undefined> {
    return this.#change((tokens, nowMs) => {
      const found = tokens.find((token) => token.id === id);
      if (found === undefined) return { result: undefined };
      const next = tokens.map((token) => (token.id === id ? { ...token, isRevoked: true } : token));
      return { tokens: next, result: stateOf(found, nowMs) };
    });
  }

  /** Takes a token for a machine. Of any number of them one takes it, and may take it again. */
  take({ id, secret, claim, machine, role }: JoinAttempt): Promise<JoinVerdict> {
    return this.#change<JoinVerdict>((tokens, nowMs) => {
      const found = tokens.find((token) => token.id === id);
      if (found === undefined || !isSame(found.mac, this.#macOf(id, secret, found))) {
        return { result: { verdict: 'unknown' } };
      }
      if (roleOf(found) !== role) {
        return { result: { verdict: 'other-role', role: roleOf(found) } };
      }
      const state = stateOf(found, nowMs);
      const claimMac = this.#mac(['claim', id, claim]);
      if (state === 'used' && found.used !== undefined && !isSame(found.used.claim, claimMac)) {
        return { result: { verdict: 'used', by: found.used.machine } };
      }
      if (state === 'revoked' || state === 'expired') return { result: { verdict: state } };
      if (state === 'used') {
        const isOver = nowMs >= found.expiresAtMs;
        return { result: { verdict: isOver ? 'expired' : 'taken' } };
      }
      const used = { machine, claim: claimMac.toString('base64') };
      const next = tokens.map((token) => (token.id === id ? { ...token, used } : token));
      return { tokens: next, result: { verdict: 'taken' } };
    });
  }

  /** @param change - what it leaves out of `tokens` stays as it is */
  async #change<T>(
    change: (tokens: StoredToken[], nowMs: number) => { tokens?: StoredToken[]; result: T },
  ): Promise<T> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const { tokens, version, nowMs } = await this.#read();
      const { tokens: next, result } = change(tokens, nowMs);
      if (next === undefined) return result;
      const text = JSON.stringify({ format: 1, tokens: next } satisfies z.infer<typeof document>);
      const written = await this.#registry.writeDocument(JOIN_TOKENS_DOCUMENT, text, version);
      if (written !== undefined) return result;
    }
    throw new JoinTokensError('Others change the join tokens at this moment: try again.');
  }

  async #read(): Promise<{ tokens: StoredToken[]; version: number; nowMs: number }> {
    const [{ nowMs }, found] = await Promise.all([
      this.#registry.snapshot(),
      this.#registry.document(JOIN_TOKENS_DOCUMENT),
    ]);
    if (found === undefined) return { tokens: [], version: 0, nowMs };
    const tokens = parse(found.value).filter((token) => nowMs < token.expiresAtMs + REMEMBERED_MS);
    return { tokens, version: found.version, nowMs };
  }

  #macOf(
    id: string,
    secret: string,
    token: Pick<StoredToken, 'createdAtMs' | 'expiresAtMs' | 'role'>,
  ): Buffer {
    const { createdAtMs, expiresAtMs } = token;
    const role = roleOf(token);
    // Those of media are as they were before there were others.
    const more = role === 'media' ? [] : [role];
    return this.#mac(['token', id, secret, createdAtMs, expiresAtMs, ...more]);
  }

  #mac(parts: readonly (string | number)[]): Buffer {
    return createHmac('sha256', this.#key).update(JSON.stringify(parts)).digest();
  }
}

const roleOf = ({ role = 'media' }: Pick<StoredToken, 'role'>): JoinRole => role;

function stateOf(token: StoredToken, nowMs: number): JoinTokenView['state'] {
  if (token.isRevoked === true) return 'revoked';
  if (nowMs >= token.expiresAtMs) return token.used === undefined ? 'expired' : 'used';
  return token.used === undefined ? 'open' : 'used';
}

function isSame(stored: string, mac: Buffer): boolean {
  const bytes = Buffer.from(stored, 'base64');
  return bytes.length === mac.length && timingSafeEqual(bytes, mac);
}

function parse(text: string): StoredToken[] {
  try {
    return document.parse(JSON.parse(text)).tokens;
  } catch (error) {
    throw new JoinTokensError(
      `The document ${JOIN_TOKENS_DOCUMENT} of the registry is not one that this version can read.`,
      { cause: error },
    );
  }
}
