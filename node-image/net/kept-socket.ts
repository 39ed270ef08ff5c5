import type { RawData, WebSocket } from 'ws';

/** After how many unanswered checks a connection is dead. */
const MAX_MISSED_PINGS = 3;
/** What a client that reads nothing may leave unread, in bytes. */
const MAX_UNREAD_BYTES = 8 * 1024 * 1024;
/** How long a close may wait for the client's, in ms. */
const CLOSE_GRACE_MS = 2000;

export interface KeptSocketOptions {
  /** How often the connection itself is checked, in ms. */
  readonly pingMs: number;
  /** Not called once `close` was. */
  message(data: Buffer, isBinary: boolean): void;
  /** The client leaves too much unread; its connection is cut. */
  overflowed?(): void;
  /** The connection is gone, by whomever. Called once. */
  closed(): void;
}

/**
 * One client's WebSocket, checked as long as it is open: the client is answered in the format that it
 * speaks, and never waited for.
 */
export class KeptSocket {
  readonly #socket: WebSocket;
  readonly #options: KeptSocketOptions;
  readonly #pingTimer: NodeJS.Timeout;
  #speaksJson = false;
  #missedPings = 0;
  #closed = false;

  constructor(socket: WebSocket, options: KeptSocketOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on('message', (data: RawData, isBinary: boolean) => {
      if (this.#closed) {
        // Another connection may have taken its place already.
        return;
      }
      this.#speaksJson = !isBinary;
      options.message(toBuffer(data), isBinary);
    });
    socket.on('pong', () => {
      this.#missedPings = 0;
    });
    socket.once('close', () => {
      clearInterval(this.#pingTimer);
      this.#closed = true;
      options.closed();
    });
    // An oversized or malformed frame: the library closes the connection with the right code.
    socket.on('error', () => {});
    this.#pingTimer = setInterval(() => this.#ping(), options.pingMs);
  }

  get closed(): boolean {
    return this.#closed;
  }

  send(message: { readonly json: string; readonly binary: Uint8Array }): void {
    if (this.#closed || this.#socket.readyState !== this.#socket.OPEN) {
      return;
    }
    if (this.#socket.bufferedAmount > MAX_UNREAD_BYTES) {
      // It may resume, and then gets everything that it needs anew.
      this.#socket.terminate();
      this.#options.overflowed?.();
      return;
    }
    this.#socket.send(this.#speaksJson ? message.json : message.binary);
  }

  /** @param code - RFC 6455 7.4.1. @default 1000. Idempotent. */
  close(code = 1000, reason = ''): void {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    this.#socket.close(code, reason);
    setTimeout(() => this.#socket.terminate(), CLOSE_GRACE_MS).unref();
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

function toBuffer(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) {
    return data;
  }
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
