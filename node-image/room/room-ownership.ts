import type { RoomFacts } from './handover';

/** By which right a Room is hosted here. */
export interface RoomClaim {
  /** Higher with each placement of the Room. */
  readonly epoch: number;
  /** What its last owner left behind; undefined: it is new. */
  readonly facts?: RoomFacts | undefined;
  /** Its last owner is alive and hands over who is in it: wait for that a while. */
  readonly isMoving: boolean;
}

/**
 * Whether Rooms are this node's to host. In a cluster the registry knows; a Single Node owns all.
 */
export interface RoomOwnership {
  /**
   * Whether what it keeps of Rooms outlives this process: a Room goes on then when its node closes.
   *
   * @default false
   */
  readonly outlivesNode?: boolean;
  /**
   * Asked before a Room is made here, and when the server API looks for one: nothing has to follow.
   *
   * @throws RoomElsewhereError where it is another node's, or nobody's.
   * @throws RoomError `unavailable` where that cannot be found out now.
   */
  claim(room: string): Promise<RoomClaim>;
  /**
   * The Room is there, has changed, and goes on: its facts are written down. Told at most once a
   * turn of the event loop, and once more when the Room is lost with its media worker. Never throws.
   */
  changed(room: string, facts: RoomFacts): void;
  /** The Room has ended for good. Never throws. */
  released(room: string): void;
}

/** A Room that this node does not host: whoever asked looks again where it is. */
export class RoomElsewhereError extends Error {
  override readonly name = 'RoomElsewhereError';
}
