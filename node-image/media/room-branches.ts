import type { Logger } from 'pino';
import { chooseWorker } from './choose-worker';
import { RoomBranch } from './room-branch';
import { SubscriberPlace } from './subscriber-place';
import { Seat, Tally } from './tally';
import type { CandidateChoice } from './transports';
import type { MediaWorker, WorkerPool } from './worker-pool';

export interface RoomBranchesOptions {
  readonly pool: WorkerPool;
  readonly worker: MediaWorker;
  readonly home: RoomBranch;
  /** How many tracks a worker sends before others are taken; 0 keeps all on the home. */
  readonly tracksPerWorker: number;
  readonly log: Logger;
}

/** What a Room has on a worker beside its home, from when somebody is to receive from there. */
interface Away {
  readonly tally: Tally;
  readonly opening: Promise<RoomBranch>;
  /** How many receive from there, or are about to. */
  seats: number;
}

/** On which workers a Room's subscribers are: on its home, and from a certain load on others too. */
export class RoomBranches {
  readonly #options: RoomBranchesOptions;
  readonly #homeTally: Tally;
  readonly #away = new Map<MediaWorker, Away>();
  readonly #open = new Set<RoomBranch>();
  #closed = false;

  constructor(options: RoomBranchesOptions) {
    this.#options = options;
    this.#homeTally = new Tally(options.worker.tally);
    this.#open.add(options.home);
  }

  /** All there are, the home first. */
  all(): Iterable<RoomBranch> {
    return this.#open;
  }

  /**
   * A transport for one who receives, on the worker that is best for it.
   *
   * @param tracks - how many tracks are about to go to it.
   */
  async place(candidates: CandidateChoice, tracks: number): Promise<SubscriberPlace> {
    const { worker: home, home: branch, log } = this.#options;
    const worker = this.#choose();
    if (worker !== home) {
      try {
        return await this.#placeAway(worker, candidates, tracks);
      } catch (error) {
        if (this.#closed || branch.router.closed) {
          throw error;
        }
        log.warn({ err: error, worker: worker.index }, 'a room cannot be brought to a worker');
      }
    }
    const seat = new Seat(this.#homeTally, tracks);
    return this.#sit(branch, candidates, seat, () => seat.close());
  }

  /** With the home. */
  close(): void {
    this.#closed = true;
    for (const branch of this.#open) {
      branch.close();
    }
    this.#open.clear();
    this.#away.clear();
  }

  #choose(): MediaWorker {
    const { pool, worker: home, tracksPerWorker } = this.#options;
    const others = pool.workers.filter((worker) => worker !== home);
    return chooseWorker({
      home,
      homeShare: this.#homeTally.total,
      used: others.filter((worker) => this.#away.has(worker)),
      unused: others.filter((worker) => !this.#away.has(worker)),
      limit: tracksPerWorker,
    });
  }

  #placeAway(
    worker: MediaWorker,
    candidates: CandidateChoice,
    tracks: number,
  ): Promise<SubscriberPlace> {
    const away = this.#awayOn(worker);
    const seat = new Seat(away.tally, tracks);
    away.seats += 1;
    return this.#sit(away.opening, candidates, seat, () => {
      seat.close();
      this.#leave(worker, away);
    });
  }

  /** @param leave - called once, when it has failed or the transport is gone. */
  async #sit(
    opening: RoomBranch | Promise<RoomBranch>,
    candidates: CandidateChoice,
    seat: Seat,
    leave: () => void,
  ): Promise<SubscriberPlace> {
    try {
      const branch = await opening;
      const transport = await branch.transports.create(branch.router, 'subscriber', candidates);
      transport.observer.once('close', leave);
      return new SubscriberPlace(transport, branch, seat);
    } catch (error) {
      leave();
      throw error;
    }
  }

  #awayOn(worker: MediaWorker): Away {
    const existing = this.#away.get(worker);
    if (existing !== undefined) {
      return existing;
    }
    const away: Away = {
      tally: new Tally(worker.tally),
      opening: this.#openOn(worker),
      seats: 0,
    };
    this.#away.set(worker, away);
    away.opening.then(
      // Where the worker has died, nobody new is to come here.
      (branch) => branch.router.observer.once('close', () => this.#drop(worker, away)),
      () => {},
    );
    return away;
  }

  async #openOn(worker: MediaWorker): Promise<RoomBranch> {
    const { home, log } = this.#options;
    const branch = await RoomBranch.open(worker, log, home);
    if (this.#closed) {
      branch.close();
      throw new Error('the room has closed');
    }
    this.#open.add(branch);
    branch.router.observer.once('close', () => this.#open.delete(branch));
    log.debug({ worker: worker.index }, 'a room is brought to one more worker');
    return branch;
  }

  #leave(worker: MediaWorker, away: Away): void {
    away.seats -= 1;
    if (away.seats > 0) {
      return;
    }
    this.#drop(worker, away);
    away.opening.then(
      (branch) => branch.close(),
      () => {},
    );
  }

  #drop(worker: MediaWorker, away: Away): void {
    if (this.#away.get(worker) === away) {
      this.#away.delete(worker);
    }
  }
}
