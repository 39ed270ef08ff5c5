import type { TLSSocket } from 'node:tls';
import type { Logger } from 'pino';

/** A peer is told of once in so long, in ms, and so many of them. */
const WINDOW_MS = 10_000;
const MAX_PEERS = 20;

const WRONG_SECRET =
  'a peer with another cluster secret was turned away from the node link; all nodes need the same sluice.cluster.secret';
const WRONG_IDENTITY =
  'a peer of another cluster, or of a version that speaks another link protocol, was turned away from the node link';
const NO_LINK = 'something that is no node of this cluster spoke to the node link';

/** Tells the operator, and never the peer, why a connection did not become a link. */
export class LinkStrangers {
  readonly #log: Logger;
  readonly #identities = new WeakMap<TLSSocket, string>();
  readonly #told = new Set<string>();
  #windowEndMs = 0;
  #untold = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** A peer named another cluster or protocol; its handshake will fail. */
  named(socket: TLSSocket, identity: string): void {
    this.#identities.set(socket, identity.slice(0, 100));
  }

  /** The handshake failed. */
  failed(socket: TLSSocket, error: Error): void {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
    const peer = socket.remoteAddress ?? 'unknown';
    const identity = this.#identities.get(socket);
    if (identity !== undefined) {
      this.#warn(peer, { identity }, WRONG_IDENTITY);
    } else if (code === 'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC') {
      this.#warn(peer, {}, WRONG_SECRET);
    } else if (code.startsWith('ERR_SSL_')) {
      this.#warn(peer, { code }, NO_LINK);
    } else {
      // It hung up, or said nothing: load balancers and port scanners do.
      this.#log.debug({ peer, code }, 'a connection to the node link ended before its handshake');
    }
  }

  #warn(peer: string, facts: Readonly<Record<string, string>>, text: string): void {
    const now = performance.now();
    if (now >= this.#windowEndMs) {
      this.#windowEndMs = now + WINDOW_MS;
      this.#told.clear();
      if (this.#untold > 0) {
        this.#log.warn({ count: this.#untold }, 'more peers were turned away from the node link');
      }
      this.#untold = 0;
    }
    if (this.#told.has(peer) || this.#told.size >= MAX_PEERS) {
      this.#untold += 1;
      return;
    }
    this.#told.add(peer);
    this.#log.warn({ peer, ...facts }, text);
  }
}
