/** What runs for a Room, or makes one: on a Media Node, or of agents on a worker of the user's. */
export type JobKind = 'egress' | 'ingress' | 'agent';

/**
 * `waiting`: nobody runs it, it is to be placed. `active`: its owner holds its lease. `ended`: it is
 * kept for people who ask, for as long as `JobStore.sweep` leaves it.
 */
export type JobState = 'waiting' | 'active' | 'ended';

/** A job as the cluster knows it. */
export interface Job {
  /** `EG_…`, `IN_…`, `AJ_…`: as its API calls it. It stays the same when another node goes on with it. */
  readonly id: string;
  readonly kind: JobKind;
  /** The Room that it belongs to; empty: none. */
  readonly room: string;
  readonly state: JobState;
  /** The node that runs it, or last did; empty: none did yet. */
  readonly owner: string;
  /** Higher with each owner: of two writers, the one with the higher epoch is right. 0: none yet. */
  readonly epoch: number;
  /** How often it was taken over from an owner that did not end it. */
  readonly retries: number;
  /** How often of those its owner was lost: it died, or did not say any more that it holds it. */
  readonly losses: number;
  /** What was asked for, JSON of its kind's making. It does not change. */
  readonly spec: string;
  /** What its owner says of it, JSON of its kind's making. It outlives the owner. */
  readonly info: string;
  /** ms since 1970, by the store's clock. */
  readonly createdAtMs: number;
  /** ms since 1970, by the store's clock; 0: it has not ended. */
  readonly endedAtMs: number;
  /**
   * What is left of its owner's lease, in ms; 0 or less: whoever wants may claim it, and it has been
   * without an owner for so long.
   */
  readonly leaseLeftMs: number;
}

/** What its owner shows with each write: that the job is still its own. */
export interface JobClaim {
  readonly id: string;
  readonly epoch: number;
}

/** So long an owner holds a job without saying so again, in ms. */
export const JOB_LEASE_MS = 8000;
/** So often an owner says that it holds its jobs, in ms. */
export const JOB_RENEW_MS = 2000;
