import { createHash } from 'node:crypto';
import {
  STUN_ATTRIBUTE,
  STUN_TYPE,
  type StunAddress,
  type StunDraft,
  type StunMessage,
  stunAddress,
  stunErrorCode,
  uint32,
} from './stun';
import { StunOverUdp, type StunServer } from './stun-exchange';

/** UDP, as IANA counts protocols. Source: RFC 8656, section 18.7. */
const OVER_UDP = Buffer.of(17, 0, 0, 0);
const ANSWERS = [STUN_TYPE.allocateSuccess, STUN_TYPE.allocateError];
const UNAUTHORIZED = 401;

export interface TurnCredentials {
  readonly username: string;
  readonly credential: string;
}

/**
 * `relays`: it gave a relay, which was given back. `asks`: it asks who is there, as it should,
 * and no credentials were there to go on. `refuses`: the number of its error. `silent`: no answer.
 */
export type TurnAnswer =
  | { readonly kind: 'relays'; readonly relay: StunAddress }
  | { readonly kind: 'asks' }
  | { readonly kind: 'refuses'; readonly code: number }
  | { readonly kind: 'silent' };

export interface TurnQuestion extends StunServer {
  /** @default - only looks whether a TURN server is there */
  readonly credentials?: TurnCredentials | undefined;
  /** For each answer. */
  readonly timeoutMs: number;
}

/**
 * Asks a TURN server for a relay, over UDP, and gives it back.
 *
 * Source: RFC 8656, sections 7.1 and 7.4; RFC 8489, section 9.2.
 *
 * @throws the error of the system where nothing can be sent.
 */
export async function tryTurn(question: TurnQuestion): Promise<TurnAnswer> {
  const { credentials, timeoutMs } = question;
  // A relay belongs to the port that asked for it.
  const stun = await StunOverUdp.open(question);
  const ask = (request: StunDraft) => stun.ask({ request, types: ANSWERS, timeoutMs });
  try {
    const attributes = [[STUN_ATTRIBUTE.requestedTransport, OVER_UDP]] as const;
    const first = await ask({ type: STUN_TYPE.allocateRequest, attributes });
    if (first === undefined) return { kind: 'silent' };
    const code = stunErrorCode(first) ?? 0;
    if (code !== UNAUTHORIZED) return { kind: 'refuses', code };
    if (credentials === undefined) return { kind: 'asks' };
    const signed = (type: number, more: NonNullable<StunDraft['attributes']>) =>
      withCredentials({ type, attributes: more }, credentials, first);
    const second = await ask(signed(STUN_TYPE.allocateRequest, attributes));
    if (second === undefined) return { kind: 'silent' };
    const relay = stunAddress(second, STUN_ATTRIBUTE.relayedAddress);
    if (relay === undefined) return { kind: 'refuses', code: stunErrorCode(second) ?? 0 };
    const giveBack = signed(STUN_TYPE.refreshRequest, [[STUN_ATTRIBUTE.lifetime, uint32(0)]]);
    await stun.ask({ request: giveBack, types: [STUN_TYPE.refreshSuccess], timeoutMs });
    return { kind: 'relays', relay };
  } finally {
    stun.close();
  }
}

function withCredentials(
  draft: StunDraft,
  { username, credential }: TurnCredentials,
  { attributes: challenge }: StunMessage,
): StunDraft {
  const realm = challenge.get(STUN_ATTRIBUTE.realm) ?? Buffer.alloc(0);
  const nonce = challenge.get(STUN_ATTRIBUTE.nonce) ?? Buffer.alloc(0);
  return {
    ...draft,
    attributes: [
      ...(draft.attributes ?? []),
      [STUN_ATTRIBUTE.username, Buffer.from(username)],
      [STUN_ATTRIBUTE.realm, realm],
      [STUN_ATTRIBUTE.nonce, nonce],
    ],
    integrityKey: longTermKey(username, realm.toString(), credential),
  };
}

/** Source: RFC 8489, section 9.2.2. */
export const longTermKey = (username: string, realm: string, password: string): Buffer =>
  createHash('md5').update(`${username}:${realm}:${password}`).digest();
