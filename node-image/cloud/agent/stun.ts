import { randomBytes } from 'node:crypto';
import sdpTransform, { type MediaDescription } from 'sdp-transform';
import { STUN_ATTRIBUTE, STUN_TYPE, type StunDraft, uint32 } from '../../net/stun';
import { askStunOverTcp, askStunOverUdp } from '../../net/stun-exchange';

/** Of a host candidate over UDP: any will do. */
const PRIORITY = 0x6e_00_1e_ff;
/** Lost packets are sent again after so long, ms. */
const AGAIN_MS = 250;

/** Where the other side takes media, as its description says. */
export interface IceCandidate {
  readonly protocol: 'udp' | 'tcp';
  readonly address: string;
  readonly port: number;
}

/** What a description says of ICE. */
export interface IceDescription {
  readonly ufrag: string;
  readonly password: string;
  readonly candidates: readonly IceCandidate[];
}

/** Reads what an SDP says of ICE. Source: RFC 8839, section 5. @returns undefined where it says nothing. */
export function iceOf(sdp: string): IceDescription | undefined {
  const session = sdpTransform.parse(sdp);
  const levels: Pick<MediaDescription, 'iceUfrag' | 'icePwd' | 'candidates'>[] = [
    session,
    ...session.media,
  ];
  const ufrag = levels.find(({ iceUfrag }) => iceUfrag !== undefined)?.iceUfrag;
  const password = levels.find(({ icePwd }) => icePwd !== undefined)?.icePwd;
  if (ufrag === undefined || password === undefined) return undefined;
  const candidates = new Map<string, IceCandidate>();
  for (const { component, transport, ip: address, port, type } of levels.flatMap(
    (level) => level.candidates ?? [],
  )) {
    const protocol = transport.toLowerCase();
    if (component === 1 && type === 'host' && (protocol === 'udp' || protocol === 'tcp')) {
      candidates.set(`${protocol} ${address} ${port}`, { protocol, address, port });
    }
  }
  return { ufrag: `${ufrag}`, password, candidates: [...candidates.values()] };
}

/**
 * Whether a media port answers a connectivity check as a browser sends it: then ICE is connected.
 *
 * Source: RFC 8445, section 7.2.
 */
export async function answersIceCheck(
  { protocol, address: host, port }: IceCandidate,
  { ufrag, password }: Pick<IceDescription, 'ufrag' | 'password'>,
  timeoutMs: number,
): Promise<boolean> {
  const request = connectivityCheck(`${ufrag}:sluice`, password);
  const exchange = { host, port, request, types: [STUN_TYPE.bindingSuccess], timeoutMs };
  try {
    const answer =
      protocol === 'udp'
        ? await askStunOverUdp({ ...exchange, againMs: AGAIN_MS })
        : await askStunOverTcp(exchange);
    return answer !== undefined;
  } catch {
    // Nothing can be sent there.
    return false;
  }
}

const connectivityCheck = (username: string, password: string): StunDraft => ({
  type: STUN_TYPE.bindingRequest,
  attributes: [
    [STUN_ATTRIBUTE.username, Buffer.from(username)],
    [STUN_ATTRIBUTE.priority, uint32(PRIORITY)],
    [STUN_ATTRIBUTE.controlling, randomBytes(8)],
    [STUN_ATTRIBUTE.useCandidate, Buffer.alloc(0)],
  ],
  integrityKey: password,
  fingerprint: true,
});
