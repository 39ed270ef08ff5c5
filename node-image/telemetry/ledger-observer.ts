import type { Room } from '@livekit/protocol';
import type { Cost, Ledger } from '../cluster/ledger';
import type { RoomObserver } from '../room/room-observer';

/** Reserves for each Room what a new one is expected to take, wherever it comes from. */
export class LedgerObserver implements RoomObserver {
  readonly #ledger: Ledger;
  readonly #cost: Cost;

  /** @param cost - `roomCost` of the configuration */
  constructor(ledger: Ledger, cost: Cost) {
    this.#ledger = ledger;
    this.#cost = cost;
  }

  roomStarted({ sid }: Room): void {
    this.#ledger.reserve({ id: sid, kind: 'room', cost: this.#cost });
  }

  roomFinished({ sid }: Room): void {
    this.#ledger.release(sid);
  }

  roomArrived(room: Room): void {
    this.roomStarted(room);
  }

  roomDeparted(room: Room): void {
    this.roomFinished(room);
  }
}
