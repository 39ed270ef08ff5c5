import type { Duplex } from 'node:stream';

/** What a client may send before it is let in, in bytes; it is not read further then. */
const MAX_EARLY_BYTES = 64 * 1024;

/** A client whose handshake has no answer yet: it may go away, and may already speak. */
export class HeldClient {
  readonly socket: Duplex;
  readonly #early: Buffer[];
  readonly #gone = new AbortController();
  #earlyBytes: number;

  constructor(socket: Duplex, head: Buffer) {
    this.socket = socket;
    this.#early = [head];
    this.#earlyBytes = head.length;
    socket.on('data', this.#onData);
    socket.on('end', this.#onGone);
    socket.on('close', this.#onGone);
    if (socket.destroyed) this.#onGone();
  }

  /** Aborted when it is gone. No client half-closes before its handshake is answered. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  /** Hands over the socket, paused, and what was read from it. */
  take(): Buffer {
    this.socket.pause();
    this.socket.off('data', this.#onData);
    this.socket.off('end', this.#onGone);
    this.socket.off('close', this.#onGone);
    return Buffer.concat(this.#early.splice(0));
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#early.push(chunk);
    this.#earlyBytes += chunk.length;
    if (this.#earlyBytes > MAX_EARLY_BYTES) this.socket.pause();
  };

  readonly #onGone = (): void => this.#gone.abort();
}
