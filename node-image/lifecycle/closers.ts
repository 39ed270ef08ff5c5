import type { Logger } from 'pino';

type Closer = () => void | Promise<void>;

/** What was opened, to be closed last first, each whatever happens to the others; once. */
export class Closers {
  readonly #log: Logger;
  readonly #closers: Closer[] = [];
  /** Resolves when all is closed. */
  readonly closed: Promise<void>;
  #onClosed: () => void = () => {};
  #closing: Promise<void> | undefined;

  constructor(log: Logger) {
    this.#log = log;
    this.closed = new Promise((resolve) => {
      this.#onClosed = resolve;
    });
  }

  add(closer: Closer): void {
    this.#closers.push(closer);
  }

  /** Idempotent. Never rejects. */
  readonly close = (): Promise<void> => {
    this.#closing ??= this.#run();
    return this.#closing;
  };

  async #run(): Promise<void> {
    for (const closer of [...this.#closers].reverse()) {
      try {
        await closer();
      } catch (error) {
        this.#log.error({ err: error }, 'closing failed');
      }
    }
    this.#onClosed();
  }
}
