/** 20 ms of 48 kHz, 2 channels of 16 bits. */
export const PCM_FRAME_BYTES = 48 * 20 * 2 * 2;

/** Cuts sound as it comes from a pipe into frames of 20 ms: whoever joins later begins with a whole one. */
export class PcmFrames {
  #rest: Buffer = Buffer.alloc(0);

  cut(chunk: Buffer): Buffer[] {
    const all = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Buffer[] = [];
    let at = 0;
    for (; at + PCM_FRAME_BYTES <= all.length; at += PCM_FRAME_BYTES) {
      frames.push(all.subarray(at, at + PCM_FRAME_BYTES));
    }
    this.#rest = all.subarray(at);
    return frames;
  }
}
