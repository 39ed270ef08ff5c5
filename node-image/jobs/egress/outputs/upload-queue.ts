/** What may wait for storage: an hour of the usual segments. */
const MAX_WAITING = 900;

/** Work one after the other; the first that fails for good stops the rest. */
export class UploadQueue {
  readonly #onFailure: (error: Error) => void;
  #tail: Promise<void> = Promise.resolve();
  #failure: Error | undefined;
  #waiting = 0;

  constructor(onFailure: (error: Error) => void) {
    this.#onFailure = onFailure;
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  /** More than may wait is a storage that is too slow: it fails. */
  push(work: () => Promise<void>): void {
    if (this.#waiting >= MAX_WAITING) {
      this.fail(new Error(`${MAX_WAITING} objects wait for storage, which is too slow`));
      return;
    }
    this.#waiting += 1;
    this.#tail = this.#tail.then(async () => {
      try {
        if (this.#failure === undefined) await work();
      } catch (error) {
        this.fail(error instanceof Error ? error : new Error(String(error)));
      } finally {
        this.#waiting -= 1;
      }
    });
  }

  fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#onFailure(error);
  }

  /** When all has been done. @throws what failed */
  async done(): Promise<void> {
    await this.#tail;
    if (this.#failure !== undefined) throw this.#failure;
  }
}
