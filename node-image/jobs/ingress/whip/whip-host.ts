import { createHash } from 'node:crypto';
import type { ICEServer } from '@livekit/protocol';
import { nanoid } from 'nanoid';

/** A sender who offers, and has shown the key of an Ingress. */
export interface WhipOffer {
  readonly ingressId: string;
  /** Where it goes to, as the Ingress says: whoever routes it need not ask again. */
  readonly room: string;
  /** SDP */
  readonly offer: string;
  /** For the log. */
  readonly userAgent: string;
}

export interface WhipAnswer {
  /** Names the session in its URL: nobody guesses it, so who knows it may end it. */
  readonly resourceId: string;
  /** SDP */
  readonly answer: string;
  /** Of the ICE session, with its quotes: another one after each restart. */
  readonly etag: string;
  readonly iceServers: readonly ICEServer[];
}

/** What a sender tells of its ICE agent. */
export interface WhipPatch {
  /** Of application/trickle-ice-sdpfrag. RFC 8840. */
  readonly fragment: string;
  /** As it was sent, with its quotes; undefined: it was not. */
  readonly ifMatch: string | undefined;
}

/** Nothing: candidates were taken. Else: ICE begins anew with these. */
export interface WhipRestart {
  readonly fragment: string;
  readonly etag: string;
}

/** Takes senders by WHIP: this node, or the one that their Room is on. RFC 9725. */
export interface WhipHost {
  /** @throws WhipError */
  publish(offer: WhipOffer): Promise<WhipAnswer>;
  /** @throws WhipError */
  patch(resourceId: string, patch: WhipPatch): Promise<WhipRestart | undefined>;
  /** @throws WhipError 404 where there is no such session. */
  end(resourceId: string): Promise<void>;
}

/** A sender is refused. The text is for it. */
export class WhipError extends Error {
  override readonly name = 'WhipError';

  constructor(
    /** Of HTTP. */
    readonly status: number,
    message: string,
    /** When to try again, in s. */
    readonly retryAfterSeconds?: number,
  ) {
    super(message);
  }
}

/** A session as its sender knows it, and as others do. */
export interface SessionIds {
  /** In its URL: who knows it may end it. */
  readonly ofSender: string;
  /** `IngressState.resource_id`, which everybody in the Room is told. It leads to nobody's URL. */
  readonly shown: string;
}

/** Of a new session, with the node that it is on. */
export function newSessionIds(nodeId: string): SessionIds {
  const secret = nanoid(24);
  const shown = createHash('sha256').update(secret).digest('base64url').slice(0, 24);
  return { ofSender: `${nodeId}.${secret}`, shown: `${nodeId}.${shown}` };
}

/** @returns undefined for what is no id of a session. */
export const nodeOfResource = (resourceId: string): string | undefined =>
  /^([\w-]{1,64})\.[\w-]{16,64}$/.exec(resourceId)?.[1];
