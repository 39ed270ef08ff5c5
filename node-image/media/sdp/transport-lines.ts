import type { DtlsParameters, IceCandidate, IceParameters } from 'mediasoup/types';

/** What a session description says of one of the server's transports. */
export interface TransportDescription {
  readonly iceParameters: IceParameters;
  readonly iceCandidates: readonly IceCandidate[];
  readonly dtlsParameters: DtlsParameters;
}

export interface SessionHead {
  /** Grows with each description of the same connection. RFC 8829 section 5.2.2. */
  readonly version: number;
  readonly bundle: readonly string[];
  readonly extmapAllowMixed: boolean;
}

export function sessionLines(head: SessionHead): string[] {
  return [
    'v=0',
    `o=sluice 1 ${head.version} IN IP4 127.0.0.1`,
    's=-',
    't=0 0',
    'a=ice-lite',
    ...(head.bundle.length > 0 ? [`a=group:BUNDLE ${head.bundle.join(' ')}`] : []),
    'a=msid-semantic: WMS *',
    ...(head.extmapAllowMixed ? ['a=extmap-allow-mixed'] : []),
  ];
}

/**
 * The transport's part of one section.
 *
 * @param first - whether this is the first section in use, the only one to carry candidates: all
 *   sections are bundled onto it.
 */
export function transportLines(
  transport: TransportDescription,
  setup: 'passive' | 'actpass',
  first: boolean,
): string[] {
  const { iceParameters, iceCandidates, dtlsParameters } = transport;
  const fingerprint =
    dtlsParameters.fingerprints.find((one) => one.algorithm === 'sha-256') ??
    dtlsParameters.fingerprints[0];
  return [
    `a=ice-ufrag:${iceParameters.usernameFragment}`,
    `a=ice-pwd:${iceParameters.password}`,
    `a=fingerprint:${fingerprint?.algorithm} ${fingerprint?.value.toUpperCase()}`,
    `a=setup:${setup}`,
    ...(first ? [...iceCandidates.map(candidateLine), 'a=end-of-candidates'] : []),
  ];
}

/** Source: RFC 8839 section 5.1, RFC 6544 section 4.5 for `tcptype`. */
function candidateLine(candidate: IceCandidate): string {
  const tcp = candidate.protocol === 'tcp' ? ` tcptype ${candidate.tcpType ?? 'passive'}` : '';
  return (
    `a=candidate:${candidate.foundation} 1 ${candidate.protocol} ${candidate.priority} ` +
    `${candidate.address} ${candidate.port} typ ${candidate.type}${tcp}`
  );
}

export const applicationLines = (port: number): string[] => [
  `m=application ${port} UDP/DTLS/SCTP webrtc-datachannel`,
  'c=IN IP4 0.0.0.0',
];

/** @param maxMessageSize - bytes. RFC 8841 section 6. */
export const sctpLines = (maxMessageSize: number): string[] => [
  'a=sctp-port:5000',
  `a=max-message-size:${maxMessageSize}`,
];

/** `key=value;...`, with parameters that have no key (such as of RED) as they are. */
export function fmtpLine(
  payloadType: number,
  parameters: Readonly<Record<string, unknown>>,
): string[] {
  const pairs = Object.entries(parameters).map(([key, value]) => `${key}=${String(value)}`);
  return pairs.length === 0 ? [] : [`a=fmtp:${payloadType} ${pairs.join(';')}`];
}
