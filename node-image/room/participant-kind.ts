import { ParticipantInfo_Kind, ParticipantInfo_KindDetail } from '@livekit/protocol';
import type { Grants } from './grants';

const KINDS: ReadonlyMap<string, ParticipantInfo_Kind> = new Map([
  ['ingress', ParticipantInfo_Kind.INGRESS],
  ['egress', ParticipantInfo_Kind.EGRESS],
  ['sip', ParticipantInfo_Kind.SIP],
  ['agent', ParticipantInfo_Kind.AGENT],
  ['connector', ParticipantInfo_Kind.CONNECTOR],
  ['bridge', ParticipantInfo_Kind.BRIDGE],
]);

const DETAILS: ReadonlyMap<string, ParticipantInfo_KindDetail> = new Map(
  Object.entries(ParticipantInfo_KindDetail).filter(
    (entry): entry is [string, ParticipantInfo_KindDetail] => typeof entry[1] === 'number',
  ),
);

/** The kind that a token names; one that is not known is a standard participant. */
export const kindOf = (name: string): ParticipantInfo_Kind =>
  KINDS.get(name.toLowerCase()) ?? ParticipantInfo_Kind.STANDARD;

/** The details that a token names, without those that are not known. */
export const kindDetailsOf = (names: readonly string[]): ParticipantInfo_KindDetail[] =>
  names.map((name) => DETAILS.get(name.toUpperCase())).filter((detail) => detail !== undefined);

export const isAgentKind = (kind: ParticipantInfo_Kind): boolean =>
  kind === ParticipantInfo_Kind.AGENT;

export const isDependentKind = (kind: ParticipantInfo_Kind): boolean =>
  isAgentKind(kind) || kind === ParticipantInfo_Kind.EGRESS;

/**
 * Whether the bearer of a token serves a Room rather than takes part: it takes no place in it, and
 * does not keep it open.
 */
export const isDependent = ({ kind, video }: Grants): boolean =>
  isDependentKind(kindOf(kind)) || video.recorder || video.agent;
