/** Where the fields of RTP and of sender reports are. Source: RFC 3550, 5.1 and 6.4.1. */
const RTP_BYTES = 12;
const REPORT_BYTES = 28;
const SENDER_REPORT = 200;
const FIRST_RTCP = 192;
const LAST_RTCP = 223;
/** Of pictures. RFC 6184 */
const CLOCK_HZ = 90_000n;
const MAX_LAYERS = 3;

/**
 * The clock of all layers of a picture: each begins with the same picture, so that what comes first of
 * each was taken at the same time, whatever number its encoder gives that.
 */
export class LayerClock {
  /** The time of the first packet of each layer, by its SSRC. */
  readonly #firsts = new Map<number, number>();
  /** When that was, by the first report, as NTP says it: seconds and their 2^32nd parts. */
  #origin: bigint | undefined;

  /** Reports that came before the first packet of their layers, which they are about. */
  readonly #early = new Map<number, Buffer>();

  /** Sets a packet to the clock of all layers. @returns what is to be sent on now */
  settle(packet: Buffer): Buffer[] {
    if (packet.length < RTP_BYTES || packet.readUInt8(0) >> 6 !== 2) return [];
    const type = packet.readUInt8(1);
    if (type < FIRST_RTCP || type > LAST_RTCP) return this.#rtp(packet);
    if (type !== SENDER_REPORT || packet.length < REPORT_BYTES) return [packet];
    return this.#report(packet);
  }

  #rtp(packet: Buffer): Buffer[] {
    const time = packet.readUInt32BE(4);
    const ssrc = packet.readUInt32BE(8);
    const first = this.#firsts.get(ssrc) ?? time;
    this.#firsts.set(ssrc, first);
    packet.writeUInt32BE((time - first) >>> 0, 4);
    const early = this.#early.get(ssrc);
    this.#early.delete(ssrc);
    return early === undefined ? [packet] : [packet, ...this.#report(early)];
  }

  #report(packet: Buffer): Buffer[] {
    const ssrc = packet.readUInt32BE(4);
    const first = this.#firsts.get(ssrc);
    if (first === undefined) {
      if (this.#early.size < MAX_LAYERS) this.#early.set(ssrc, packet);
      return [];
    }
    const since = (packet.readUInt32BE(16) - first) | 0;
    const offset = (BigInt(since) << 32n) / CLOCK_HZ;
    this.#origin ??= packet.readBigUInt64BE(8) - offset;
    packet.writeBigUInt64BE(BigInt.asUintN(64, this.#origin + offset), 8);
    packet.writeUInt32BE(since >>> 0, 16);
    return [packet];
  }
}
