import type { LinkError } from './link/link';
import type { LinkAddress } from './node-record';

/** The Media Node that a Room is on. */
export interface RouteTarget {
  readonly nodeId: string;
  readonly link: LinkAddress;
  readonly epoch: number;
}

/** No node can be found for a Room now. The text is for the caller; trying again helps. */
export class NoRouteError extends Error {
  override readonly name = 'NoRouteError';
  /** When to try again, s. */
  readonly retryAfterSeconds = 2;
}

/** Where Rooms are, for a Master Node. */
export interface RoomRoutes {
  /**
   * Where a Room runs. With the registry away, the nodes themselves are asked.
   *
   * @param signal - aborted when nobody waits for it any more: a Room whose turn to be placed comes
   *   only then is not placed.
   * @returns undefined where it runs nowhere.
   * @throws NoRouteError where that cannot be found out now.
   */
  find(room: string, signal?: AbortSignal): Promise<RouteTarget | undefined>;
  /** The same, and places a Room that is nowhere. @throws NoRouteError */
  findOrPlace(room: string, signal?: AbortSignal): Promise<RouteTarget>;
  /**
   * Tells that a target did not answer, or says that the Room is not its. Resolves when asking
   * again makes sense: a node that was found dead is forgotten by then, what was known is looked up
   * anew.
   */
  failed(room: string, target: RouteTarget, why: LinkError | 'elsewhere'): Promise<void>;
  /** Where all Rooms are by the registry, but those of nodes that are gone. @throws NoRouteError */
  placed(): Promise<ReadonlyMap<string, RouteTarget>>;
  /** The Media Nodes that serve or drain, for what concerns all of them. */
  all(): RouteTarget[];
}
