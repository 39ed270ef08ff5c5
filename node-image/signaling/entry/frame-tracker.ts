const CLOSE = 8;
/** Opcodes from here on are of control frames, which may stand between the parts of a message. */
const FIRST_CONTROL = 8;
const MAX_HEADER = 14;

/**
 * Follows a stream of WebSocket frames without looking into them, to know whether another frame
 * may be put behind what has passed.
 *
 * Source: RFC 6455, section 5.2.
 */
export class FrameTracker {
  readonly #header = Buffer.alloc(MAX_HEADER);
  /** Bytes of the header of the frame that has begun. */
  #headerLength = 0;
  /** Bytes of its payload that are still to come. */
  #payloadLeft = 0;
  #inMessage = false;
  #sawClose = false;

  /** Whether all frames and messages that have begun are complete, and none said that it ends. */
  get isAtBoundary(): boolean {
    return (
      this.#headerLength === 0 && this.#payloadLeft === 0 && !this.#inMessage && !this.#sawClose
    );
  }

  /** Whether the sender has ended the connection in order. */
  get sawClose(): boolean {
    return this.#sawClose;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#payloadLeft > 0) {
        const taken = Math.min(this.#payloadLeft, chunk.length - at);
        this.#payloadLeft -= taken;
        at += taken;
      } else {
        this.#header[this.#headerLength] = chunk[at] ?? 0;
        this.#headerLength += 1;
        at += 1;
        if (this.#headerLength === headerLength(this.#header, this.#headerLength)) this.#begin();
      }
    }
  }

  #begin(): void {
    const header = this.#header;
    const first = header[0] ?? 0;
    const opcode = first & 0x0f;
    const isLast = (first & 0x80) !== 0;
    this.#headerLength = 0;
    this.#payloadLeft = payloadLength(header);
    if (opcode < FIRST_CONTROL) this.#inMessage = !isLast;
    if (opcode === CLOSE) this.#sawClose = true;
  }
}

/** @returns how long the header is by its first `known` bytes, as far as they tell. */
function headerLength(header: Buffer, known: number): number {
  if (known < 2) return 2;
  const second = header[1] ?? 0;
  const short = second & 0x7f;
  return 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + ((second & 0x80) === 0 ? 0 : 4);
}

function payloadLength(header: Buffer): number {
  const short = (header[1] ?? 0) & 0x7f;
  if (short === 126) return header.readUInt16BE(2);
  // Exact up to 2^53, far above what may pass.
  return short === 127 ? header.readUInt32BE(2) * 2 ** 32 + header.readUInt32BE(6) : short;
}

/** A whole frame as a server sends it, of up to 65535 bytes. */
export function serverFrame(opcode: 'binary' | 'close', payload: Uint8Array): Buffer {
  const code = 0x80 | (opcode === 'binary' ? 2 : CLOSE);
  const { length } = payload;
  const header =
    length < 126
      ? Buffer.from([code, length])
      : Buffer.from([code, 126, length >> 8, length & 0xff]);
  return Buffer.concat([header, payload]);
}
