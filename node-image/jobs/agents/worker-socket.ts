import { ServerMessage, WorkerMessage } from '@livekit/protocol';
import type { RawData, WebSocket } from 'ws';

/** How often the connection itself is checked, in ms, and after how many unanswered checks it is dead. */
const PING_MS = 5000;
const MAX_MISSED_PINGS = 3;
/** What a worker that reads nothing may leave unread, in bytes. */
const MAX_UNREAD_BYTES = 8 * 1024 * 1024;
/** How long a close may wait for the worker's, in ms. */
const CLOSE_GRACE_MS = 2000;
/** Source: RFC 6455 7.4.1. */
const GOING_AWAY = 1001;
const POLICY_VIOLATION = 1008;

export interface WorkerSocketEvents {
  message(message: WorkerMessage): void;
  /** The connection is gone, by whomever. Called once. */
  closed(): void;
}

/** Messages a second that a worker may send: a worker of thousands of jobs stays below. */
const PER_SECOND = 500;

/** One worker's WebSocket: it is answered in the format that it speaks, and never waited for. */
export class WorkerSocket {
  readonly #socket: WebSocket;
  readonly #pingTimer: NodeJS.Timeout;
  #speaksJson = false;
  #missedPings = 0;
  #second = 0;
  #count = 0;
  #closed = false;

  constructor(socket: WebSocket, events: WorkerSocketEvents) {
    this.#socket = socket;
    socket.on('message', (data: RawData, isBinary: boolean) => {
      if (this.#closed) return;
      this.#missedPings = 0;
      this.#speaksJson = !isBinary;
      if (!this.#takes()) {
        this.close(POLICY_VIOLATION, `more than ${PER_SECOND} messages a second`);
        return;
      }
      const message = decoded(data, isBinary);
      // One bad frame does no harm.
      if (message !== undefined) events.message(message);
    });
    socket.on('pong', () => {
      this.#missedPings = 0;
    });
    socket.once('close', () => {
      clearInterval(this.#pingTimer);
      this.#closed = true;
      events.closed();
    });
    // An oversized or malformed frame: the library closes the connection with the right code.
    socket.on('error', () => {});
    this.#pingTimer = setInterval(() => this.#ping(), PING_MS);
  }

  send(message: ServerMessage['message']): void {
    if (this.#closed || this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#socket.bufferedAmount > MAX_UNREAD_BYTES) {
      this.#socket.terminate();
      return;
    }
    const encoded = new ServerMessage({ message });
    this.#socket.send(this.#speaksJson ? encoded.toJsonString() : encoded.toBinary());
  }

  /** Idempotent. `closed` is told when it is done. */
  close(code = GOING_AWAY, reason = ''): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close(code, reason);
    setTimeout(() => this.#socket.terminate(), CLOSE_GRACE_MS).unref();
  }

  #takes(): boolean {
    const second = Math.floor(performance.now() / 1000);
    this.#count = second === this.#second ? this.#count + 1 : 1;
    this.#second = second;
    return this.#count <= PER_SECOND;
  }

  #ping(): void {
    this.#missedPings += 1;
    if (this.#missedPings > MAX_MISSED_PINGS) {
      this.#socket.terminate();
    } else if (this.#socket.readyState === this.#socket.OPEN) {
      this.#socket.ping();
    }
  }
}

function decoded(data: RawData, isBinary: boolean): WorkerMessage | undefined {
  const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as ArrayBuffer);
  try {
    return isBinary
      ? WorkerMessage.fromBinary(bytes)
      : WorkerMessage.fromJsonString(bytes.toString(), { ignoreUnknownFields: true });
  } catch {
    return undefined;
  }
}
