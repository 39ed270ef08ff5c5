import type { Socket } from 'node:net';
import { type AmfObject, type AmfValue, readAmf, writeAmf } from './amf0';
import {
  ChunkReader,
  MAX_MESSAGE_BYTES,
  RtmpError,
  type RtmpMessage,
  writeMessage,
} from './chunk-reader';
import { type FlvTag, TAG } from './flv';

/** Takes what one sender sends, in order. */
export interface TagSink {
  /** @returns false where it is behind: `drained` tells when to go on. */
  write(tag: FlvTag): boolean;
  drained(): Promise<void>;
  /** Nothing comes any more. */
  end(): void;
}

export interface RtmpSessionOptions {
  readonly socket: Socket;
  /**
   * Whether a key may publish. Until it resolves nothing is taken.
   *
   * @returns undefined: it may not.
   */
  readonly publish: (key: string, session: RtmpSession) => Promise<TagSink | undefined>;
  readonly onRefused: (why: string) => void;
}

const HANDSHAKE_BYTES = 1536;
const CHUNK_BYTES = 4096;
const WINDOW_BYTES = 2_500_000;
/** Before somebody may publish, messages are commands alone. */
const MAX_COMMAND_BYTES = 64 << 10;
const MAX_COMMANDS = 64;
/** All that comes before a key is shown, in bytes: an encoder sends some hundreds beside its handshake. */
const MAX_STRANGER_BYTES = 256 << 10;
/** What comes while it is looked up whether the key is good: bytes, and pieces. */
const MAX_HELD_BYTES = 1 << 20;
const MAX_HELD = 500;
const MAX_KEY_CHARACTERS = 1024;

const ACKNOWLEDGEMENT = 3;
const WINDOW_SIZE = 5;
const PEER_BANDWIDTH = 6;
const SET_CHUNK_SIZE = 1;
const COMMAND = 20;
const COMMAND_AMF3 = 17;

/**
 * One connection of an encoder: handshake, commands, then what it publishes.
 *
 * Source: Adobe's RTMP specification 1.0; the simple handshake, which all encoders speak.
 */
export class RtmpSession {
  readonly #options: RtmpSessionOptions;
  readonly #chunks = new ChunkReader();
  #handshake: Buffer | undefined = Buffer.alloc(0);
  #sentHandshake = false;
  #commands = 0;
  #received = 0;
  #acknowledged = 0;
  #state: 'open' | 'asking' | 'publishing' | 'closed' = 'open';
  #sink: TagSink | undefined;
  #held: RtmpMessage[] = [];
  #heldBytes = 0;

  constructor(options: RtmpSessionOptions) {
    this.#options = options;
    // Strangers send commands, and those are small.
    this.#chunks.maxMessageBytes = MAX_COMMAND_BYTES;
    const { socket } = options;
    socket.on('data', (data: Buffer) => this.#take(data));
    socket.on('error', () => {});
    socket.on('close', () => this.close());
  }

  /** Idempotent. What was taken is passed on. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#sink?.end();
    this.#options.socket.end();
    this.#options.socket.destroySoon();
  }

  #take(data: Buffer): void {
    if (this.#state === 'closed') return;
    try {
      this.#received += data.length;
      if (this.#state === 'open' && this.#received > MAX_STRANGER_BYTES) {
        throw new RtmpError(`${MAX_STRANGER_BYTES} bytes, and no stream key yet`);
      }
      const rest = this.#handshake === undefined ? data : this.#shake(data);
      if (rest.length > 0) {
        for (const message of this.#chunks.read(rest)) this.#handle(message);
      }
      this.#acknowledge();
    } catch (error) {
      this.#refuse(error instanceof Error ? error.message : String(error));
    }
  }

  /** @returns what comes after the handshake. */
  #shake(data: Buffer): Buffer {
    const all = Buffer.concat([this.#handshake ?? Buffer.alloc(0), data]);
    this.#handshake = all;
    if (all[0] !== 3) {
      throw new RtmpError(`not RTMP: it begins with ${all[0]}; 3 is allowed`);
    }
    if (!this.#sentHandshake && all.length > HANDSHAKE_BYTES) {
      this.#sentHandshake = true;
      const sent = all.subarray(1, 1 + HANDSHAKE_BYTES);
      this.#options.socket.write(
        Buffer.concat([Buffer.from([3]), Buffer.alloc(HANDSHAKE_BYTES), sent]),
      );
    }
    if (all.length < 1 + 2 * HANDSHAKE_BYTES) return Buffer.alloc(0);
    this.#handshake = undefined;
    return all.subarray(1 + 2 * HANDSHAKE_BYTES);
  }

  #handle(message: RtmpMessage): void {
    const { type, body } = message;
    if (type === TAG.audio || type === TAG.video || type === TAG.data) {
      if (this.#state === 'publishing') this.#pass(message);
      // Some send on without waiting for the answer; what is not allowed yet is not kept.
      else if (this.#state === 'open') throw new RtmpError('media before anything was published');
      else this.#hold(message);
      return;
    }
    if (type !== COMMAND && type !== COMMAND_AMF3) return;
    this.#commands += 1;
    if (body.length > MAX_COMMAND_BYTES || this.#commands > MAX_COMMANDS) {
      throw new RtmpError('more commands than an encoder sends');
    }
    const [name, id, ...values] = readAmf(type === COMMAND_AMF3 ? body.subarray(1) : body);
    this.#command(String(name), typeof id === 'number' ? id : 0, values, message.streamId);
  }

  #command(name: string, id: number, values: readonly AmfValue[], streamId: number): void {
    switch (name) {
      case 'connect':
        this.#control(WINDOW_SIZE, WINDOW_BYTES);
        this.#options.socket.write(
          writeMessage(2, message(PEER_BANDWIDTH, peerBandwidth()), CHUNK_BYTES),
        );
        this.#control(SET_CHUNK_SIZE, CHUNK_BYTES);
        this.#answer(
          ['_result', id, { fmsVer: 'FMS/3,0,1,123', capabilities: 31 }, connected()],
          0,
        );
        return;
      case 'createStream':
        this.#answer(['_result', id, null, 1], 0);
        return;
      case 'releaseStream':
      case 'FCPublish':
      case '_checkbw':
        this.#answer(['_result', id, null], 0);
        return;
      case 'publish':
        this.#publish(String(values[1] ?? ''), streamId);
        return;
      case 'deleteStream':
      case 'closeStream':
      case 'FCUnpublish':
        if (this.#state === 'publishing') this.close();
        return;
      case 'play':
        throw new RtmpError('nothing can be played here');
      default:
    }
  }

  #publish(name: string, streamId: number): void {
    if (this.#state !== 'open') throw new RtmpError('it publishes already');
    const [key = ''] = name.split('?', 1);
    if (key === '' || key.length > MAX_KEY_CHARACTERS) {
      throw new RtmpError('the stream key is missing');
    }
    this.#state = 'asking';
    const { publish } = this.#options;
    publish(key, this).then(
      (sink) => {
        if (sink === undefined || this.#state === 'closed') {
          sink?.end();
          this.#status('error', 'NetStream.Publish.BadName', 'not allowed to publish', streamId);
          this.close();
          return;
        }
        this.#sink = sink;
        this.#state = 'publishing';
        this.#chunks.maxMessageBytes = MAX_MESSAGE_BYTES;
        this.#status('status', 'NetStream.Publish.Start', 'publishing', streamId);
        for (const held of this.#held.splice(0)) this.#pass(held);
      },
      (error: unknown) => {
        // What else is wrong in here is not for strangers.
        const why =
          error instanceof RtmpError ? error.message : 'it cannot be taken now, try again';
        this.#status('error', 'NetStream.Publish.Failed', why, streamId);
        this.#refuse(error instanceof Error ? error.message : String(error));
      },
    );
  }

  /** While it is looked up whether the key is good: for a moment, and little. */
  #hold(held: RtmpMessage): void {
    this.#held.push(held);
    this.#heldBytes += held.body.length;
    if (this.#heldBytes > MAX_HELD_BYTES || this.#held.length > MAX_HELD) {
      throw new RtmpError('it sends before it may');
    }
  }

  #pass({ type, timestamp, body }: RtmpMessage): void {
    const sink = this.#sink;
    if (sink === undefined || sink.write({ type, timestamp, body })) return;
    const { socket } = this.#options;
    socket.pause();
    void sink.drained().then(() => socket.resume());
  }

  #refuse(why: string): void {
    if (this.#state === 'closed') return;
    this.#options.onRefused(why);
    this.close();
  }

  #acknowledge(): void {
    if (this.#received - this.#acknowledged < WINDOW_BYTES / 2) return;
    this.#acknowledged = this.#received;
    this.#control(ACKNOWLEDGEMENT, this.#received % 0x1_0000_0000);
  }

  #control(type: number, value: number): void {
    const body = Buffer.alloc(4);
    body.writeUInt32BE(value);
    this.#options.socket.write(writeMessage(2, message(type, body), CHUNK_BYTES));
  }

  #status(level: string, code: string, description: string, streamId: number): void {
    this.#answer(['onStatus', 0, null, { level, code, description }], streamId);
  }

  #answer(values: readonly AmfValue[], streamId: number): void {
    const body = writeAmf(...values);
    const answer = { type: COMMAND, streamId, timestamp: 0, body };
    this.#options.socket.write(writeMessage(3, answer, CHUNK_BYTES));
  }
}

const message = (type: number, body: Buffer): RtmpMessage => ({
  ...{ type, streamId: 0, timestamp: 0, body },
});

/** Its limit is a hard one. */
function peerBandwidth(): Buffer {
  const body = Buffer.alloc(5);
  body.writeUInt32BE(WINDOW_BYTES);
  body.writeUInt8(0, 4);
  return body;
}

const connected = (): AmfObject => ({
  level: 'status',
  code: 'NetConnection.Connect.Success',
  description: 'Connection succeeded.',
  objectEncoding: 0,
});
