/** One encoded picture, as Matroska wants it. */
export interface VideoFrame {
  readonly data: Buffer;
  readonly isKey: boolean;
  /** Of RTP. */
  readonly timestamp: number;
}

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** What a decoder has to know before the first frame. */
export interface VideoSetup extends PictureSize {
  /** Matroska's CodecPrivate; none for VP8 and VP9. */
  readonly codecPrivate?: Buffer;
}

/** What is particular to one codec: how a picture is put together from the payloads of RTP. */
export interface Depacketizer {
  /**
   * The picture of all payloads with one timestamp, in order and complete.
   *
   * @returns undefined where they are no whole picture
   */
  frame(payloads: readonly Buffer[]): { data: Buffer; isKey: boolean } | undefined;
  /** Whether a payload may be the first of a picture: what was lost before it belongs to others. */
  begins(payload: Buffer): boolean;
  /** What a key frame, as `frame` made it, says of itself. */
  setup(keyFrame: Buffer): VideoSetup | undefined;
}
