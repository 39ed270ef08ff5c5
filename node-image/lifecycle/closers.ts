import type { Logger } from 'pino';

type Closer = () => void | Promise<void>;

/** A node was told to end, or ended by itself, while it was still being started. */
export class NodeEndedError extends Error {
  override readonly name = 'NodeEndedError';

  constructor(options?: ErrorOptions) {
    super('the node was ended while it started', options);
  }
}

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

  /** Whether closing has begun. */
  get closing(): boolean {
    return this.#closing !== undefined;
  }

  /** @throws NodeEndedError where closing has begun: what would be left open is closed at once. */
  add(closer: Closer): void {
    if (this.#closing !== undefined) {
      this.#closing = Promise.all([this.#closing, this.#closeOne(closer)]).then(() => {});
      throw new NodeEndedError();
    }
    this.#closers.push(closer);
  }

  /** Idempotent. Never rejects. */
  readonly close = (): Promise<void> => {
    this.#closing ??= this.#run();
    return this.#closing;
  };

  async #run(): Promise<void> {
    for (const closer of [...this.#closers].reverse()) {
      await this.#closeOne(closer);
    }
    this.#onClosed();
  }

  async #closeOne(closer: Closer): Promise<void> {
    try {
      await closer();
    } catch (error) {
      this.#log.error({ err: error }, 'closing failed');
    }
  }
}
