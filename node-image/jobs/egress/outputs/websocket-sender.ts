import { isIPv6, type LookupFunction } from 'node:net';
import { WebSocket } from 'ws';
import { strangerAddressOf } from '../../../net/stranger-address';
import type { StreamUrl } from '../stream-url';
import type { Sender, SenderEvents } from './sender';
import { SenderTries } from './sender-tries';

export interface WebSocketSenderOptions extends SenderEvents {
  readonly url: StreamUrl;
  /** ms before the second try; each of the next waits twice as long. @default 1000 */
  readonly firstWaitMs?: number | undefined;
  /** Where a host is connected to. @default strangerAddressOf */
  readonly addressOf?: (host: string) => Promise<string>;
}

/** What is sent. Source: livekit/egress pkg/types, raw audio. */
const CONTENT_TYPE = 'audio/x-raw';
/** 10 s of sound may wait for a receiver. */
const MAX_WAITING_BYTES = 10 * 48_000 * 2 * 2;
/** Nothing is expected of a receiver. */
const MAX_RECEIVED_BYTES = 64 * 1024;
const CONNECT_MS = 10_000;
const PING_MS = 15_000;
const MAX_MISSED_PINGS = 2;
const END_MS = 5000;

/**
 * Sends sound as it is to one address by WebSocket: in binary frames, and `{"muted": …}` as text where
 * the publisher mutes it. What comes while nobody is connected is left out.
 *
 * Source: livekit/egress pkg/pipeline/sink/websocket.go.
 */
export class WebSocketSender implements Sender {
  readonly #options: WebSocketSenderOptions;
  readonly #tries: SenderTries;
  #socket: WebSocket | undefined;
  #muted = false;
  #sent = false;
  #closed = false;
  /** Of this try: the first is why it broke. */
  #error = '';
  #pinger: NodeJS.Timeout | undefined;
  #missedPings = 0;

  constructor(options: WebSocketSenderOptions) {
    this.#options = options;
    const { firstWaitMs } = options;
    this.#tries = new SenderTries({ events: options, firstWaitMs, start: () => this.#start() });
    this.#start();
  }

  push(chunk: Buffer): void {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) return;
    if (socket.bufferedAmount > MAX_WAITING_BYTES) {
      this.#break('the receiver takes less than is sent');
      return;
    }
    socket.send(chunk, { binary: true });
    if (this.#sent) return;
    this.#sent = true;
    this.#options.onSending();
  }

  muted(muted: boolean): void {
    if (muted === this.#muted) return;
    this.#muted = muted;
    this.#tellMuted();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#tries.close();
    clearInterval(this.#pinger);
    const socket = this.#socket;
    if (socket === undefined) return;
    // One that still connects is given up; its error is nobody's.
    socket.close(1000);
    if (socket.readyState === WebSocket.CLOSED) return;
    await new Promise<void>((resolve) => {
      const force = setTimeout(() => socket.terminate(), END_MS);
      socket.once('close', () => {
        clearTimeout(force);
        resolve();
      });
    });
  }

  #start(): void {
    this.#error = '';
    this.#sent = false;
    this.#missedPings = 0;
    this.#tries.begun();
    const { url, addressOf = strangerAddressOf } = this.#options;
    void addressOf(new URL(url.url).hostname)
      .then((address) => this.#connect(address))
      .catch((error: unknown) =>
        this.#broken(error instanceof Error ? error.message : String(error)),
      );
  }

  #connect(address: string): void {
    if (this.#closed) return;
    const { url } = this.#options;
    const socket = new WebSocket(url.url, {
      headers: { 'content-type': CONTENT_TYPE },
      handshakeTimeout: CONNECT_MS,
      perMessageDeflate: false,
      maxPayload: MAX_RECEIVED_BYTES,
      lookup: lookupOf(address),
    });
    this.#socket = socket;
    socket.on('open', () => {
      if (this.#muted) this.#tellMuted();
      this.#pinger = setInterval(() => this.#ping(), PING_MS);
    });
    socket.on('pong', () => {
      this.#missedPings = 0;
    });
    socket.on('error', ({ message }) => {
      this.#error ||= message;
    });
    socket.once('close', (code, reason) => {
      this.#broken(
        `the receiver closed it (${[code, reason.toString()].filter(Boolean).join(' ')})`,
      );
    });
  }

  #tellMuted(): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#socket.send(JSON.stringify({ muted: this.#muted }));
  }

  #ping(): void {
    this.#missedPings += 1;
    if (this.#missedPings > MAX_MISSED_PINGS) {
      this.#break(`the receiver has answered nothing for ${(PING_MS * MAX_MISSED_PINGS) / 1000} s`);
    } else this.#socket?.ping();
  }

  #break(error: string): void {
    this.#error ||= error;
    this.#socket?.terminate();
  }

  #broken(how: string): void {
    clearInterval(this.#pinger);
    this.#socket = undefined;
    if (this.#closed) return;
    const { secrets } = this.#options.url;
    const clean = secrets.reduce((text, value) => text.replaceAll(value, '…'), this.#error || how);
    if (!this.#tries.broken(clean.slice(0, 300), this.#sent)) this.#closed = true;
  }
}

/** The address that was looked at, and no other. */
const lookupOf =
  (address: string): LookupFunction =>
  (_host, { all }, done) => {
    const family = isIPv6(address) ? 6 : 4;
    if (all) done(null, [{ address, family }]);
    else done(null, address, family);
  };
