/** By its index in the configuration of AAC, in Hz. Source: ISO/IEC 14496-3, table 1.18. */
const RATES = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000,
  7350,
];
/** Seven of them are eight. */
const EIGHT_CHANNELS = 7;

/** What AAC says of itself before its first piece. */
export class AacConfig {
  private constructor(
    /** Hz */
    readonly sampleRate: number,
    readonly channels: number,
  ) {}

  /** @returns undefined for what it is not, or says by no index. */
  static read(config: Buffer): AacConfig | undefined {
    if (config.length < 2) return undefined;
    const bits = config.readUInt16BE(0);
    const rate = RATES[(bits >> 7) & 0x0f];
    const channels = (bits >> 3) & 0x0f;
    if (rate === undefined || channels === 0 || channels > EIGHT_CHANNELS) return undefined;
    return new AacConfig(rate, channels === EIGHT_CHANNELS ? 8 : channels);
  }
}
