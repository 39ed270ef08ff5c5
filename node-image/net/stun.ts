import { createHmac, randomBytes } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import { crc32 } from 'node:zlib';
import ipaddr from 'ipaddr.js';

const COOKIE = 0x2112a442;
const HEADER_BYTES = 20;
const INTEGRITY_BYTES = 24;
const FINGERPRINT_BYTES = 8;
/** Flips the CRC, so that no other protocol's is taken for it. */
const FINGERPRINT_XOR = 0x5354554e;

/** What a message is: its method and class in one. Source: RFC 8489, section 5; RFC 8656, section 17. */
export const STUN_TYPE = {
  bindingRequest: 0x0001,
  bindingSuccess: 0x0101,
  allocateRequest: 0x0003,
  allocateSuccess: 0x0103,
  allocateError: 0x0113,
  refreshRequest: 0x0004,
  refreshSuccess: 0x0104,
} as const;

/** Source: RFC 8489, section 18.3; RFC 8445, section 16.1; RFC 8656, section 18. */
export const STUN_ATTRIBUTE = {
  username: 0x0006,
  integrity: 0x0008,
  errorCode: 0x0009,
  lifetime: 0x000d,
  realm: 0x0014,
  nonce: 0x0015,
  relayedAddress: 0x0016,
  requestedTransport: 0x0019,
  mappedAddress: 0x0020,
  priority: 0x0024,
  useCandidate: 0x0025,
  fingerprint: 0x8028,
  controlling: 0x802a,
} as const;

/** A STUN message as it was read. */
export interface StunMessage {
  readonly type: number;
  /** 12 bytes, the same in a request and its answer. */
  readonly transaction: Buffer;
  /** The first of each type. */
  readonly attributes: ReadonlyMap<number, Buffer>;
}

/** A STUN message to be sent. */
export interface StunDraft {
  readonly type: number;
  /** @default - 12 random bytes */
  readonly transaction?: Buffer;
  readonly attributes?: readonly (readonly [type: number, value: Buffer])[];
  /** Key of MESSAGE-INTEGRITY, which is then added. */
  readonly integrityKey?: string | Buffer;
  /** Whether FINGERPRINT is added. @default false */
  readonly fingerprint?: boolean;
}

/** Writes a message. Source: RFC 8489, sections 5, 14.5 and 14.7. */
export function encodeStun(draft: StunDraft): Buffer {
  const { type, transaction = randomBytes(12), attributes = [], integrityKey } = draft;
  const written = attributes.map(([each, value]) => attribute(each, value));
  const head = (bytes: number): Buffer => header(type, transaction, bytes);
  const lengthOf = (): number => written.reduce((sum, { length }) => sum + length, 0);
  // Each of these two counts itself in the length that it covers.
  if (integrityKey !== undefined) {
    const covered = Buffer.concat([head(lengthOf() + INTEGRITY_BYTES), ...written]);
    const hash = createHmac('sha1', integrityKey).update(covered).digest();
    written.push(attribute(STUN_ATTRIBUTE.integrity, hash));
  }
  if (draft.fingerprint === true) {
    const covered = Buffer.concat([head(lengthOf() + FINGERPRINT_BYTES), ...written]);
    const value = Buffer.alloc(4);
    value.writeUInt32BE((crc32(covered) ^ FINGERPRINT_XOR) >>> 0);
    written.push(attribute(STUN_ATTRIBUTE.fingerprint, value));
  }
  return Buffer.concat([head(lengthOf()), ...written]);
}

/** Reads a message. @returns undefined for what is none, or is cut. */
export function decodeStun(packet: Buffer): StunMessage | undefined {
  const isStun =
    packet.length >= HEADER_BYTES &&
    packet.readUInt8(0) <= 3 &&
    packet.readUInt32BE(4) === COOKIE &&
    packet.length >= HEADER_BYTES + packet.readUInt16BE(2);
  if (!isStun) return undefined;
  const attributes = new Map<number, Buffer>();
  const end = HEADER_BYTES + packet.readUInt16BE(2);
  for (let at = HEADER_BYTES; at + 4 <= end; ) {
    const type = packet.readUInt16BE(at);
    const length = packet.readUInt16BE(at + 2);
    if (at + 4 + length > end) return undefined;
    if (!attributes.has(type)) attributes.set(type, packet.subarray(at + 4, at + 4 + length));
    at += 4 + padded(length);
  }
  const transaction = packet.subarray(8, HEADER_BYTES);
  return { type: packet.readUInt16BE(0), transaction, attributes };
}

export interface StunAddress {
  readonly address: string;
  readonly port: number;
}

/**
 * The address in an XOR-MAPPED-ADDRESS, or in one that is written like it.
 *
 * Source: RFC 8489, section 14.2.
 *
 * @returns undefined where there is none, or it is cut.
 */
export function stunAddress(
  { attributes, transaction }: StunMessage,
  type: number,
): StunAddress | undefined {
  const value = attributes.get(type);
  if (value === undefined || value.length < 8) return undefined;
  const mask = Buffer.concat([uint32(COOKIE), transaction]);
  const bytes = [...value.subarray(4)].map((byte, i) => byte ^ (mask[i] ?? 0));
  const address =
    bytes.length === 4 || bytes.length === 16 ? ipaddr.fromByteArray(bytes).toString() : '';
  if (!isIPv4(address) && !isIPv6(address)) return undefined;
  return { address, port: value.readUInt16BE(2) ^ (COOKIE >>> 16) };
}

/** The number of an ERROR-CODE, such as 401. Source: RFC 8489, section 14.8. */
export function stunErrorCode({ attributes }: StunMessage): number | undefined {
  const value = attributes.get(STUN_ATTRIBUTE.errorCode);
  return value === undefined || value.length < 4
    ? undefined
    : (value.readUInt8(2) & 7) * 100 + value.readUInt8(3);
}

function header(type: number, transaction: Buffer, length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16BE(type, 0);
  bytes.writeUInt16BE(length, 2);
  bytes.writeUInt32BE(COOKIE, 4);
  return Buffer.concat([bytes, transaction]);
}

function attribute(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc(4 + padded(value.length));
  bytes.writeUInt16BE(type, 0);
  bytes.writeUInt16BE(value.length, 2);
  value.copy(bytes, 4);
  return bytes;
}

/** Attributes end at a multiple of 4 bytes. */
const padded = (length: number): number => Math.ceil(length / 4) * 4;

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
