import { RoomElsewhereError } from './room-ownership';

/** How long a freeze waits for joins that are under way, in ms. */
const JOINS_MS = 1000;

/**
 * Whether something may happen in a Room now. While the Room is frozen, on its way to another node,
 * what would change it waits until it is known whether the Room goes or stays.
 */
export class RoomGate {
  #frozen: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;
  #held: (() => void)[] = [];
  #departed = false;
  #joining = 0;
  readonly #whenNobodyJoins: (() => void)[] = [];

  get isFrozen(): boolean {
    return this.#frozen !== undefined;
  }

  get hasDeparted(): boolean {
    return this.#departed;
  }

  /**
   * Resolves once nothing is held up any more, at once where nothing is.
   *
   * @throws RoomElsewhereError where the Room has gone to another node.
   */
  async passed(): Promise<void> {
    while (this.#frozen !== undefined) {
      await this.#frozen.promise;
    }
    if (this.#departed) {
      throw new RoomElsewhereError('the room has moved to another node');
    }
  }

  /** Keeps an action until the Room stays, and forgets it if it goes. @returns whether it is kept. */
  hold(action: () => void): boolean {
    if (this.#frozen !== undefined) {
      this.#held.push(action);
    }
    return this.#frozen !== undefined;
  }

  /** Counts a join that is under way. @returns to be called at its end. */
  enter(): () => void {
    this.#joining += 1;
    return () => {
      this.#joining -= 1;
      if (this.#joining === 0) {
        for (const done of this.#whenNobodyJoins.splice(0)) {
          done();
        }
      }
    };
  }

  /** Resolves when joins under way are done, or take too long. Idempotent. */
  async freeze(): Promise<void> {
    if (this.#departed) {
      return;
    }
    this.#frozen ??= opening();
    if (this.#joining > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, JOINS_MS);
        this.#whenNobodyJoins.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /**
   * The Room stays: what was held happens now, in order. Idempotent.
   *
   * @throws AggregateError what actions have thrown, once all have been taken.
   */
  thaw(): void {
    const held = this.#held;
    this.#open();
    const errors: unknown[] = [];
    for (const action of held) {
      try {
        action();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) {
      throw new AggregateError(errors, 'what a room had held up failed when it went on');
    }
  }

  /** The Room has gone to another node. Idempotent. */
  depart(): void {
    this.#departed = true;
    this.#open();
  }

  /** The Room has ended: nobody waits any more, and what was held is no matter. */
  end(): void {
    this.#open();
  }

  #open(): void {
    const frozen = this.#frozen;
    this.#frozen = undefined;
    this.#held = [];
    frozen?.resolve();
  }
}

function opening(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
