import { SignalResponse } from '@livekit/protocol';

export type SignalMessage = Exclude<SignalResponse['message'], { case: undefined }>;

/** A message on its way to clients, encoded at most once in each format however many receive it. */
export class OutgoingSignal {
  readonly #message: SignalMessage;
  #binary: Uint8Array | undefined;
  #json: string | undefined;

  constructor(message: SignalMessage) {
    this.#message = message;
  }

  /** For who is told within this process. It belongs to all that are told: not to be changed. */
  get message(): SignalMessage {
    return this.#message;
  }

  get binary(): Uint8Array {
    this.#binary ??= new SignalResponse({ message: this.#message }).toBinary();
    return this.#binary;
  }

  get json(): string {
    this.#json ??= new SignalResponse({ message: this.#message }).toJsonString();
    return this.#json;
  }
}

/** A client's open signal connection. */
export interface SignalSink {
  send(signal: OutgoingSignal): void;
  /** Closes the connection after what was sent. Idempotent. */
  close(): void;
}
