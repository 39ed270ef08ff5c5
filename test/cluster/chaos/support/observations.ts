/** What was seen of a cluster while faults happened. Times are ms since 1970, of one clock. */

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * A time in which nobody can ask for all: `masters` and `media`: none of them was there; `redis`: it
 * did not answer, as new Rooms need; `network`: a node was cut off from others or from Redis.
 */
export interface Outage extends Span {
  readonly what: 'masters' | 'media' | 'redis' | 'network';
}

/** What one client is to get of another, while both are to be in one Room. */
export interface Stream extends Span {
  readonly room: string;
  readonly client: string;
  readonly peer: string;
  readonly kind: 'audio' | 'video';
  /** When it was there, in order. */
  readonly seenMs: readonly number[];
  /** When the SDK of either of the two was about to connect, for the first time or again. */
  readonly connecting: readonly Span[];
}

/** A client whose SDK has given up by itself. */
export interface Drop {
  readonly client: string;
  readonly atMs: number;
  readonly why: string;
}

export interface Placement {
  readonly room: string;
  readonly nodeId: string;
  readonly epoch: number;
}

/** A node's process that ran at the time of a look. */
export interface SeenNode {
  readonly nodeId: string;
  /** The Rooms that it has, as it says itself; undefined: it did not answer, or has none to have. */
  readonly rooms: readonly string[] | undefined;
}

/** One look at all there is. */
export interface Look {
  readonly atMs: number;
  readonly nodes: readonly SeenNode[];
  /** What Redis has written down; undefined: it did not answer. */
  readonly registry:
    | { readonly nodes: readonly string[]; readonly rooms: readonly Placement[] }
    | undefined;
}

/** Something of a process that has to be as it was once everybody has left. */
export interface Count {
  readonly process: string;
  readonly what: string;
  readonly before: number;
  readonly after: number;
  /** So much more is no leak: connections that are kept for the next call. */
  readonly slack: number;
}

export interface Observations {
  readonly outages: readonly Outage[];
  /** When nodes were taken away from under their clients. */
  readonly hits: readonly number[];
  readonly streams: readonly Stream[];
  readonly drops: readonly Drop[];
  readonly looks: readonly Look[];
  readonly counts: readonly Count[];
}
