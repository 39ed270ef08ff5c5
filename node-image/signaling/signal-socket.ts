import type { RawData, WebSocket } from 'ws';
import type { OutgoingSignal, SignalSink } from '../room/signal-sink';

/** How often the connection itself is checked, in ms, and after how many unanswered checks it is dead. */
const PING_MS = 10_000;
const MAX_MISSED_PINGS = 3;
/** What a client that reads nothing may leave unread, in bytes. */
const MAX_UNREAD_BYTES = 8 * 1024 * 1024;
/** How long a close may wait for the client's, in ms. */
const CLOSE_GRACE_MS = 2000;

export interface SignalSocketEvents {
  message(data: Buffer, isBinary: boolean): void;
  /** The client leaves too much unread; its connection is cut. */
  overflowed(): void;
  /** The connection is gone, by whomever. Called once. */
  closed(): void;
}

/** One client's WebSocket: answers in the format that the client speaks, and never waits for it. */
export class SignalSocket implements SignalSink {
  readonly #socket: WebSocket;
  readonly #events: SignalSocketEvents;
  readonly #pingTimer: NodeJS.Timeout;
  #speaksJson = false;
  #missedPings = 0;
  #closed = false;

  constructor(socket: WebSocket, events: SignalSocketEvents) {
    this.#socket = socket;
    this.#events = events;
    socket.on('message', (data: RawData, isBinary: boolean) => {
      if (this.#closed) {
        // Another connection may have taken its place already.
        return;
      }
      this.#speaksJson = !isBinary;
      events.message(toBuffer(data), isBinary);
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

  get closed(): boolean {
    return this.#closed;
  }

  send(signal: OutgoingSignal): void {
    if (this.#closed || this.#socket.readyState !== this.#socket.OPEN) {
      return;
    }
    if (this.#socket.bufferedAmount > MAX_UNREAD_BYTES) {
      // It may resume, and then gets everything that it needs anew.
      this.#socket.terminate();
      this.#events.overflowed();
      return;
    }
    this.#socket.send(this.#speaksJson ? signal.json : signal.binary);
  }

  close(): void {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    this.#socket.close(1000);
    setTimeout(() => this.#socket.terminate(), CLOSE_GRACE_MS).unref();
  }

  #ping(): void {
    this.#missedPings += 1;
    if (this.#missedPings > MAX_MISSED_PINGS) {
      this.#socket.terminate();
    } else {
      this.#socket.ping();
    }
  }
}

function toBuffer(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) {
    return data;
  }
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
