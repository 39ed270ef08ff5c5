import type { DisconnectReason, LeaveRequest_Action, SignalRequest } from '@livekit/protocol';
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import { KeptSocket } from '../net/kept-socket';
import { leaveRequest } from '../room/leave';
import { OutgoingSignal } from '../room/signal-sink';
import type { Session } from './session';
import { decodeSignal } from './signal-codec';

/** How often the connection itself is checked, in ms. */
const PING_MS = 10_000;
/** What a client may say before it is let in, in messages and in bytes. */
const MAX_EARLY = 100;
const MAX_EARLY_BYTES = 2 * 1024 * 1024;

/** A client's connection from the accepted handshake on: what it says waits until somebody serves it. */
export class Handshake {
  readonly sink: KeptSocket;
  readonly #early: { data: Buffer; isBinary: boolean }[] = [];
  readonly #log: Logger;
  #earlyBytes = 0;
  #session: Session | undefined;

  constructor(socket: WebSocket, log: Logger) {
    this.#log = log;
    this.sink = new KeptSocket(socket, {
      pingMs: PING_MS,
      message: (data, isBinary) => this.#receive(data, isBinary),
      overflowed: () =>
        log.info(
          { participant: this.#session?.participant.identity },
          'a client reads too little of what it is sent; its connection is cut',
        ),
      closed: () => this.#session?.connectionLost(this.sink),
    });
  }

  /** Hands the client's messages to a session, those that came before first. */
  serve(session: Session): void {
    this.#session = session;
    if (this.sink.closed) {
      // It was gone before anybody could be told.
      session.connectionLost(this.sink);
      return;
    }
    for (const { data, isBinary } of this.#early.splice(0)) {
      this.#receive(data, isBinary);
    }
  }

  /** Sends a client away before it was let in. */
  leave(reason: DisconnectReason, action: LeaveRequest_Action): void {
    this.sink.send(new OutgoingSignal({ case: 'leave', value: leaveRequest(reason, action) }));
    this.sink.close();
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#session === undefined) {
      this.#earlyBytes += data.length;
      if (this.#early.length >= MAX_EARLY || this.#earlyBytes > MAX_EARLY_BYTES) {
        this.sink.close();
        return;
      }
      this.#early.push({ data, isBinary });
      return;
    }
    let request: SignalRequest | undefined;
    let taken = this.#session.takesBytes(data.length);
    if (taken) {
      request = this.#decode(data, isBinary);
      taken = this.#session.takesRequest(request);
    }
    if (!taken) {
      this.#log.info(
        { participant: this.#session.participant.identity },
        'a client sends more signal messages than it may; its connection is closed',
      );
      this.sink.close();
    } else if (request !== undefined) {
      this.#session.handle(request);
    }
  }

  #decode(data: Buffer, isBinary: boolean): SignalRequest | undefined {
    try {
      return decodeSignal(data, isBinary);
    } catch {
      // One bad frame does no harm; the budget of messages bounds how many there are.
      this.#log.debug({ bytes: data.length }, 'a frame that is no SignalRequest is left alone');
      return undefined;
    }
  }
}
