/** One RTP packet, of which `payload` is a view. Source: RFC 3550 section 5.1. */
export interface RtpPacket {
  readonly sequence: number;
  readonly timestamp: number;
  readonly marker: boolean;
  readonly ssrc: number;
  /** Without padding; empty in a packet that only fills. */
  readonly payload: Buffer;
}

/** What ties the time of RTP to the clock of the node. Source: RFC 3550 section 6.4.1. */
export interface SenderReport {
  readonly ssrc: number;
  /** ms since 1970, with fractions */
  readonly ntpMs: number;
  readonly rtpTimestamp: number;
}

const SENDER_REPORT = 200;
const RTP_FEEDBACK = 205;
const GENERIC_NACK = 1;
/** From 1900, where NTP begins, to 1970, in s. */
const NTP_EPOCH_S = 2_208_988_800;

/** Whether a packet is RTCP, where both share a port. Source: RFC 5761 section 4. */
export const isRtcp = (packet: Buffer): boolean => {
  const type = packet[1] ?? 0;
  return type >= 192 && type <= 223;
};

/** @returns undefined for what is no RTP packet. */
export function readRtp(packet: Buffer): RtpPacket | undefined {
  const first = packet[0] ?? 0;
  const second = packet[1] ?? 0;
  if (packet.length < 12 || first >> 6 !== 2) {
    return undefined;
  }
  let start = 12 + (first & 0x0f) * 4;
  if ((first & 0x10) !== 0) {
    if (packet.length < start + 4) {
      return undefined;
    }
    start += 4 + packet.readUInt16BE(start + 2) * 4;
  }
  const padding = (first & 0x20) === 0 ? 0 : (packet[packet.length - 1] ?? 0);
  const end = packet.length - padding;
  if (start > end) {
    return undefined;
  }
  return {
    sequence: packet.readUInt16BE(2),
    timestamp: packet.readUInt32BE(4),
    marker: (second & 0x80) !== 0,
    ssrc: packet.readUInt32BE(8),
    payload: packet.subarray(start, end),
  };
}

/** The sender reports of a compound RTCP packet. What cannot be read ends it. */
export function readSenderReports(packet: Buffer): SenderReport[] {
  const reports: SenderReport[] = [];
  let at = 0;
  while (at + 8 <= packet.length) {
    const bytes = (packet.readUInt16BE(at + 2) + 1) * 4;
    if (packet[at + 1] === SENDER_REPORT && bytes >= 28 && at + bytes <= packet.length) {
      const seconds = packet.readUInt32BE(at + 8) - NTP_EPOCH_S;
      reports.push({
        ssrc: packet.readUInt32BE(at + 4),
        ntpMs: seconds * 1000 + (packet.readUInt32BE(at + 12) / 2 ** 32) * 1000,
        rtpTimestamp: packet.readUInt32BE(at + 16),
      });
    }
    at += bytes;
  }
  return reports;
}

/**
 * Asks for packets once more.
 *
 * @param sequences - at least one, in order, each below 65536
 * Source: RFC 4585 section 6.2.1.
 */
export function writeNack(ssrc: number, sequences: readonly number[]): Buffer {
  const items: { first: number; rest: number }[] = [];
  for (const sequence of sequences) {
    const last = items.at(-1);
    const distance = last === undefined ? 0 : (sequence - last.first) & 0xffff;
    if (last !== undefined && distance >= 1 && distance <= 16) {
      last.rest |= 1 << (distance - 1);
    } else {
      items.push({ first: sequence, rest: 0 });
    }
  }
  const packet = Buffer.alloc(12 + items.length * 4);
  packet[0] = 0x80 | GENERIC_NACK;
  packet[1] = RTP_FEEDBACK;
  packet.writeUInt16BE(packet.length / 4 - 1, 2);
  packet.writeUInt32BE(ssrc, 4);
  packet.writeUInt32BE(ssrc, 8);
  for (const [index, item] of items.entries()) {
    packet.writeUInt16BE(item.first, 12 + index * 4);
    packet.writeUInt16BE(item.rest, 14 + index * 4);
  }
  return packet;
}
