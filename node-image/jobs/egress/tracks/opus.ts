/** Of Opus in RTP, in Hz, whatever it was sampled with. Source: RFC 7587 section 4.1. */
export const OPUS_CLOCK = 48_000;
/** What is put where nothing came, in ms. */
export const FILL_MS = 20;

/** 20 ms of silence in the codec's own words: full band, one channel. */
export const OPUS_SILENCE: Buffer = Buffer.from([0xf8, 0xff, 0xfe]);

/** 2.5, 5, 10 and 20 ms of CELT, as configurations 16 to 31 repeat them, in ticks. */
const CELT_TICKS = [120, 240, 480, 960];
const HYBRID_TICKS = [480, 960];
const SILK_TICKS = [480, 960, 1920, 2880];

/** How long a packet lasts, in ticks of 48 kHz. Source: RFC 6716 section 3.1. */
export function opusTicks(packet: Buffer): number {
  const toc = packet[0] ?? 0;
  const config = toc >> 3;
  const frame =
    config >= 16
      ? CELT_TICKS[config & 3]
      : config >= 12
        ? HYBRID_TICKS[config & 1]
        : SILK_TICKS[config & 3];
  const code = toc & 3;
  const frames = code === 0 ? 1 : code === 3 ? (packet[1] ?? 1) & 0x3f : 2;
  return (frame ?? 960) * frames;
}

/**
 * A packet of 20 ms without sound in it: decoders go on with what they heard last, as for one that
 * is lost, and with the noise of the room while nobody speaks.
 *
 * @param like - the packet before it
 */
export function opusConcealment(like: Buffer): Buffer {
  const toc = like[0] ?? 0xf8;
  const config = toc >> 3;
  const of20ms =
    config >= 16 ? (config & ~3) | 3 : config >= 12 ? (config & ~1) | 1 : (config & ~3) | 1;
  return Buffer.from([(of20ms << 3) | (toc & 4)]);
}

/** What a decoder has to know. Source: RFC 7845 section 5.1. */
export function opusHead(channels: number): Buffer {
  const head = Buffer.alloc(19);
  head.write('OpusHead');
  head[8] = 1;
  head[9] = channels;
  head.writeUInt32LE(OPUS_CLOCK, 12);
  return head;
}
