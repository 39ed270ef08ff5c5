import { type Room as RoomInfo, RoomUpdate } from '@livekit/protocol';
import type { Participant } from './participant';
import { OutgoingSignal } from './signal-sink';

/** Numbers change often, so they are told at most this often, in ms. */
const INTERVAL_MS = 5000;

/** Tells participants what has changed of their Room. Source: RoomUpdate. */
export class RoomNews {
  readonly #info: () => RoomInfo;
  readonly #recipients: () => Iterable<Participant>;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: {
    readonly info: () => RoomInfo;
    readonly recipients: () => Iterable<Participant>;
  }) {
    this.#info = options.info;
    this.#recipients = options.recipients;
  }

  /** A number has changed, which can wait for others. */
  soon(): void {
    if (!this.#closed) {
      this.#timer ??= setTimeout(() => this.now(), INTERVAL_MS);
    }
  }

  now(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const value = new RoomUpdate({ room: this.#info() });
    const signal = new OutgoingSignal({ case: 'roomUpdate', value });
    for (const participant of this.#recipients()) {
      participant.sendEncoded(signal);
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }
}
