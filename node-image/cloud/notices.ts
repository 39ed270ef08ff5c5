/** What a cloud says of one of its machines. */
export type MachineNotice =
  /** It is to end, and waits at the hook until its node is empty. */
  | { readonly kind: 'terminating'; readonly machineId: string; readonly group: string }
  /** It is taken at that time, ms since 1970. */
  | {
      readonly kind: 'interruption';
      readonly machineId: string;
      readonly atMs: number;
      readonly action: string;
    }
  /** It may be taken soon. `sinceMs`: when that was said, ms since 1970. */
  | { readonly kind: 'rebalance'; readonly machineId: string; readonly sinceMs: number }
  /** It runs no more. */
  | { readonly kind: 'gone'; readonly machineId: string }
  /** Nothing follows from it. `what` is for the log. */
  | { readonly kind: 'other'; readonly what: string };

/** A message of the queue. It comes again until it is `done`. */
export interface QueuedNotice {
  readonly notice: MachineNotice;
  /** Takes it off the queue: what follows from it stands. */
  done(): Promise<void>;
}

/** Where a cloud puts what it says of machines: at least once, in any order, late or never. */
export interface NoticeQueue {
  /** What has come by now; waits for nothing. */
  receive(): Promise<readonly QueuedNotice[]>;
}
