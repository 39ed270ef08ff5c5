import { createHmac, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { crc32 } from 'node:zlib';
import sdpTransform, { type MediaDescription } from 'sdp-transform';

const COOKIE = 0x2112a442;
const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const HEADER_BYTES = 20;
/** Source: RFC 8489, section 18.3; RFC 8445, section 16.1. */
const ATTRIBUTE = {
  username: 0x0006,
  integrity: 0x0008,
  priority: 0x0024,
  useCandidate: 0x0025,
  fingerprint: 0x8028,
  controlling: 0x802a,
} as const;
const INTEGRITY_BYTES = 24;
const FINGERPRINT_BYTES = 8;
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
export function answersIceCheck(
  { protocol, address, port }: IceCandidate,
  { ufrag, password }: Pick<IceDescription, 'ufrag' | 'password'>,
  timeoutMs: number,
): Promise<boolean> {
  const transaction = randomBytes(12);
  const request = connectivityCheck(transaction, `${ufrag}:sluice`, password);
  const isAnswer = (packet: Buffer): boolean =>
    packet.length >= HEADER_BYTES &&
    packet.readUInt16BE(0) === BINDING_SUCCESS &&
    packet.subarray(8, HEADER_BYTES).equals(transaction);
  return protocol === 'udp'
    ? overUdp({ address, port, request, isAnswer, timeoutMs })
    : overTcp({ address, port, request, isAnswer, timeoutMs });
}

interface Exchange {
  readonly address: string;
  readonly port: number;
  readonly request: Buffer;
  readonly isAnswer: (packet: Buffer) => boolean;
  readonly timeoutMs: number;
}

function overUdp({ address, port, request, isAnswer, timeoutMs }: Exchange): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    const finish = (answered: boolean): void => {
      clearTimeout(timer);
      clearInterval(again);
      socket.removeAllListeners();
      socket.on('error', () => undefined);
      socket.close();
      resolve(answered);
    };
    const send = (): void =>
      socket.send(request, port, address, (error) => {
        if (error) finish(false);
      });
    const timer = setTimeout(() => finish(false), timeoutMs);
    const again = setInterval(send, AGAIN_MS);
    socket.on('message', (packet) => {
      if (isAnswer(packet)) finish(true);
    });
    socket.once('error', () => finish(false));
    send();
  });
}

/** Each packet has its length before it. Source: RFC 4571, section 2. */
function overTcp({ address, port, request, isAnswer, timeoutMs }: Exchange): Promise<boolean> {
  return new Promise((resolve) => {
    let received = Buffer.alloc(0);
    const finish = (answered: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answered);
    };
    const timer = setTimeout(() => finish(false), timeoutMs);
    const socket = connect({ host: address, port }, () => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(request.length);
      socket.write(Buffer.concat([length, request]));
    });
    socket.on('error', () => finish(false));
    socket.on('close', () => finish(false));
    socket.on('data', (data) => {
      received = Buffer.concat([received, data]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        if (isAnswer(received.subarray(2, end))) return finish(true);
        received = received.subarray(end);
      }
    });
  });
}

function connectivityCheck(transaction: Buffer, username: string, password: string): Buffer {
  const priority = Buffer.alloc(4);
  priority.writeUInt32BE(0x6e_00_1e_ff);
  const body = Buffer.concat([
    attribute(ATTRIBUTE.username, Buffer.from(username)),
    attribute(ATTRIBUTE.priority, priority),
    attribute(ATTRIBUTE.controlling, randomBytes(8)),
    attribute(ATTRIBUTE.useCandidate, Buffer.alloc(0)),
  ]);
  // Each of the last two counts itself in the length that it covers. Source: RFC 8489, 14.5 and 14.7.
  const open = Buffer.concat([header(transaction, body.length + INTEGRITY_BYTES), body]);
  const integrity = createHmac('sha1', password).update(open).digest();
  const signed = Buffer.concat([
    header(transaction, body.length + INTEGRITY_BYTES + FINGERPRINT_BYTES),
    body,
    attribute(ATTRIBUTE.integrity, integrity),
  ]);
  const fingerprint = Buffer.alloc(4);
  fingerprint.writeUInt32BE((crc32(signed) ^ 0x5354554e) >>> 0);
  return Buffer.concat([signed, attribute(ATTRIBUTE.fingerprint, fingerprint)]);
}

function header(transaction: Buffer, length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16BE(BINDING_REQUEST, 0);
  bytes.writeUInt16BE(length, 2);
  bytes.writeUInt32BE(COOKIE, 4);
  return Buffer.concat([bytes, transaction]);
}

function attribute(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
  bytes.writeUInt16BE(type, 0);
  bytes.writeUInt16BE(value.length, 2);
  value.copy(bytes, 4);
  return bytes;
}
