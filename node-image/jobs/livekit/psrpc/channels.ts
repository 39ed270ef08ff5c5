/**
 * The channels of Redis that a service is called over. Source: livekit/psrpc, pkg/info/channels.go
 * (those that it calls legacy are what it uses with Redis).
 */
const OF_CALLS = 'REQ';
const OF_ANSWERS = 'RES';
const OF_CLAIMS = 'CLAIM';
const OF_CHOICES = 'RCLAIM';

/** What one method of one service is called over; empty topic: by anybody. */
export interface Method {
  readonly service: string;
  readonly name: string;
  readonly topic: string;
}

/** Calls of a method. */
export const callChannel = ({ service, name, topic }: Method): string =>
  joined(service, name, topic, OF_CALLS);

/** Which server has a call of a method. */
export const choiceChannel = ({ service, name, topic }: Method): string =>
  joined(service, name, topic, OF_CHOICES);

/** Answers to a client of a service. */
export const answerChannel = (service: string, clientId: string): string =>
  joined(service, clientId, OF_ANSWERS);

/** Servers of a service that want a client's calls. */
export const claimChannel = (service: string, clientId: string): string =>
  joined(service, clientId, OF_CLAIMS);

const joined = (...parts: readonly string[]): string =>
  parts.map(escaped).filter(Boolean).join('|');

/** Letters, digits and `_` stay; all else is written as its code. */
const escaped = (part: string): string =>
  [...part].map((char) => (/^\w$/.test(char) ? char : codeOf(char))).join('');

function codeOf(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  return code < 0x10000 ? `u+${hex.padStart(4, '0')}` : `U+${hex.padStart(8, '0')}`;
}
