/** One message of RTMP. */
export interface RtmpMessage {
  readonly type: number;
  readonly streamId: number;
  /** ms, modulo 2^32 */
  readonly timestamp: number;
  readonly body: Buffer;
}

/** What comes is no RTMP, or more than is taken. */
export class RtmpError extends Error {
  override readonly name = 'RtmpError';
}

/** Encoders use five of them. */
const MAX_CHUNK_STREAMS = 32;
/** A key frame of the highest quality has 2 MiB. */
export const MAX_MESSAGE_BYTES = 8 << 20;
const MAX_CHUNK_BYTES = 1 << 20;

const EMPTY: Buffer = Buffer.alloc(0);

const SET_CHUNK_SIZE = 1;
const ABORT = 2;

interface ChunkStream {
  type: number;
  streamId: number;
  timestamp: number;
  /** What a header without a time of its own adds. */
  delta: number;
  hasExtended: boolean;
  length: number;
  /** What has come of the message; it grows with that, so that small chunks cost no more than large ones. */
  body: Buffer;
  received: number;
}

/** What a message begins with, in bytes. */
const FIRST_BYTES = 4096;

/** Puts the messages together that come in chunks. Source: Adobe's RTMP specification 1.0, 5.3. */
export class ChunkReader {
  /** Larger ones are not taken; of all that are not whole yet, twice as much. */
  maxMessageBytes = MAX_MESSAGE_BYTES;
  readonly #streams = new Map<number, ChunkStream>();
  /** Bytes of messages that are not whole yet. */
  #held = 0;
  #chunkBytes = 128;
  #pending: Buffer = Buffer.alloc(0);

  /** @throws RtmpError */
  read(data: Buffer): RtmpMessage[] {
    this.#pending = this.#pending.length === 0 ? data : Buffer.concat([this.#pending, data]);
    const messages: RtmpMessage[] = [];
    let at = 0;
    for (;;) {
      const next = this.#chunk(this.#pending.subarray(at), messages);
      if (next === 0) break;
      at += next;
    }
    // A copy: the rest is not to keep all of what it came with.
    this.#pending = Buffer.from(this.#pending.subarray(at));
    return messages;
  }

  /** @returns how many bytes the first chunk has; 0: not all of it is there. */
  #chunk(data: Buffer, messages: RtmpMessage[]): number {
    const basic = basicHeader(data);
    if (basic === undefined) return 0;
    const { format, id } = basic;
    const headerBytes = [11, 7, 3, 0][format] ?? 0;
    let at = basic.bytes;
    if (data.length < at + headerBytes) return 0;
    const known = this.#streams.get(id);
    if (known === undefined && format !== 0 && format !== 1) {
      throw new RtmpError(`chunk stream ${id} begins without a header`);
    }
    const isNew = known === undefined || known.received === 0;
    const hasTime = format !== 3;
    const time = hasTime ? data.readUIntBE(at, 3) : 0;
    const hasExtended = hasTime ? time === 0xffffff : (known?.hasExtended ?? false);
    const length = format < 2 ? data.readUIntBE(at + 3, 3) : (known?.length ?? 0);
    const type = format < 2 ? data.readUInt8(at + 6) : (known?.type ?? 0);
    const streamId = format === 0 ? data.readUInt32LE(at + 7) : (known?.streamId ?? 0);
    at += headerBytes;
    if (hasExtended && data.length < at + 4) return 0;
    const extended = hasExtended ? data.readUInt32BE(at) : time;
    at += hasExtended ? 4 : 0;
    if (length > this.maxMessageBytes) {
      throw new RtmpError(
        `a message of ${length} bytes, at most ${this.maxMessageBytes} are taken now`,
      );
    }
    if (!isNew && hasTime) {
      throw new RtmpError('a message begins before the one before it has ended');
    }
    const received = isNew ? 0 : (known?.received ?? 0);
    const take = Math.min(this.#chunkBytes, length - received);
    if (data.length < at + take) return 0;

    const stream = known ?? this.#newStream(id);
    if (isNew) {
      if (hasTime) stream.delta = extended;
      stream.timestamp =
        format === 0 ? extended : (stream.timestamp + stream.delta) % 0x1_0000_0000;
      Object.assign(stream, { type, streamId, length, hasExtended });
    }
    this.#append(stream, data.subarray(at, at + take));
    if (stream.received === length) {
      const body = stream.body.subarray(0, length);
      this.#drop(stream);
      this.#complete({ type, streamId, timestamp: stream.timestamp, body }, messages);
    }
    return at + take;
  }

  #append(stream: ChunkStream, chunk: Buffer): void {
    const { body, length, received } = stream;
    const bytes = received + chunk.length;
    this.#held += chunk.length;
    if (this.#held > 2 * this.maxMessageBytes) {
      throw new RtmpError(
        `${this.#held} bytes of messages that are not whole, at most ${2 * this.maxMessageBytes} are kept now`,
      );
    }
    if (bytes > body.length) {
      stream.body = Buffer.alloc(Math.min(length, Math.max(FIRST_BYTES, 2 * bytes)));
      body.copy(stream.body, 0, 0, received);
    }
    chunk.copy(stream.body, received);
    stream.received = bytes;
  }

  #drop(stream: ChunkStream): void {
    this.#held -= stream.received;
    stream.body = EMPTY;
    stream.received = 0;
  }

  #newStream(id: number): ChunkStream {
    if (this.#streams.size >= MAX_CHUNK_STREAMS) {
      throw new RtmpError(`more than ${MAX_CHUNK_STREAMS} chunk streams`);
    }
    const stream: ChunkStream = {
      ...{ type: 0, streamId: 0, timestamp: 0, delta: 0, hasExtended: false, length: 0 },
      ...{ body: EMPTY, received: 0 },
    };
    this.#streams.set(id, stream);
    return stream;
  }

  #complete(message: RtmpMessage, messages: RtmpMessage[]): void {
    const { type, body } = message;
    if (type === SET_CHUNK_SIZE && body.length >= 4) {
      const bytes = body.readUInt32BE();
      if (bytes < 1 || bytes > MAX_CHUNK_BYTES) {
        throw new RtmpError(`chunks of ${bytes} bytes; 1 to ${MAX_CHUNK_BYTES} are taken`);
      }
      this.#chunkBytes = bytes;
    } else if (type === ABORT && body.length >= 4) {
      const aborted = this.#streams.get(body.readUInt32BE());
      if (aborted !== undefined) this.#drop(aborted);
    } else {
      messages.push(message);
    }
  }
}

function basicHeader(data: Buffer): { format: number; id: number; bytes: number } | undefined {
  const [first, second, third] = data;
  if (first === undefined) return undefined;
  const format = first >> 6;
  const low = first & 0x3f;
  if (low > 1) return { format, id: low, bytes: 1 };
  if (second === undefined) return undefined;
  if (low === 0) return { format, id: second + 64, bytes: 2 };
  return third === undefined ? undefined : { format, id: third * 256 + second + 64, bytes: 3 };
}

/** One message as chunks of which the first holds up to `chunkBytes`. */
export function writeMessage(
  chunkStream: number,
  { type, streamId, timestamp, body }: RtmpMessage,
  chunkBytes: number,
): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt8(chunkStream);
  header.writeUIntBE(timestamp, 1, 3);
  header.writeUIntBE(body.length, 4, 3);
  header.writeUInt8(type, 7);
  header.writeUInt32LE(streamId, 8);
  const parts: Buffer[] = [header, body.subarray(0, chunkBytes)];
  for (let at = chunkBytes; at < body.length; at += chunkBytes) {
    parts.push(Buffer.from([0xc0 | chunkStream]), body.subarray(at, at + chunkBytes));
  }
  return Buffer.concat(parts);
}
