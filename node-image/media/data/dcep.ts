/**
 * The WebRTC Data Channel Establishment Protocol, which mediasoup leaves to its user.
 *
 * Source: RFC 8832.
 */

/** SCTP payload protocol identifiers. Source: RFC 8831, section 8. */
export const ppid = { dcep: 50, string: 51, binary: 53 } as const;

const typeAck = 0x02;
const typeOpen = 0x03;
const openHeaderBytes = 12;

export interface DcepOpen {
  readonly label: string;
  readonly protocol: string;
  readonly ordered: boolean;
  /** The most retransmissions of a message; undefined means no limit. */
  readonly maxRetransmits?: number;
}

export type DcepMessage = ({ readonly type: 'open' } & DcepOpen) | { readonly type: 'ack' };

/** @returns the message, or undefined where the bytes are not DCEP. */
export function parseDcep(bytes: Buffer): DcepMessage | undefined {
  if (bytes[0] === typeAck) {
    return { type: 'ack' };
  }
  if (bytes[0] !== typeOpen || bytes.length < openHeaderBytes) {
    return undefined;
  }
  const channelType = bytes.readUInt8(1);
  const labelBytes = bytes.readUInt16BE(8);
  const protocolBytes = bytes.readUInt16BE(10);
  if (bytes.length < openHeaderBytes + labelBytes + protocolBytes) {
    return undefined;
  }
  const protocolStart = openHeaderBytes + labelBytes;
  return {
    type: 'open',
    label: bytes.toString('utf8', openHeaderBytes, protocolStart),
    protocol: bytes.toString('utf8', protocolStart, protocolStart + protocolBytes),
    ordered: (channelType & 0x80) === 0,
    ...((channelType & 0x7f) === 0x01 ? { maxRetransmits: bytes.readUInt32BE(4) } : {}),
  };
}

export function serializeOpen(open: DcepOpen): Buffer {
  const label = Buffer.from(open.label);
  const protocol = Buffer.from(open.protocol);
  const header = Buffer.alloc(openHeaderBytes);
  const reliability = open.maxRetransmits === undefined ? 0x00 : 0x01;
  header.writeUInt8(typeOpen, 0);
  header.writeUInt8(reliability | (open.ordered ? 0x00 : 0x80), 1);
  header.writeUInt32BE(open.maxRetransmits ?? 0, 4);
  header.writeUInt16BE(label.length, 8);
  header.writeUInt16BE(protocol.length, 10);
  return Buffer.concat([header, label, protocol]);
}

export function serializeAck(): Buffer {
  return Buffer.of(typeAck);
}
