import type { LinkError } from '../../../../node-image/cluster/link/link';
import {
  NoRouteError,
  type RoomRoutes,
  type RouteTarget,
} from '../../../../node-image/cluster/room-routes';

export const targetOf = (nodeId: string, port = 1): RouteTarget => ({
  nodeId,
  link: { host: '127.0.0.1', port },
  epoch: 1,
});

/** Routes that a test sets. New Rooms go to the first node. */
export class FakeRoutes implements RoomRoutes {
  readonly rooms = new Map<string, RouteTarget>();
  nodes: RouteTarget[] = [];
  /** Whether nothing can be found out now. */
  away = false;
  readonly failures: { room: string; nodeId: string; why: string }[] = [];
  /** What becomes of a Room whose node did not answer. */
  onFailed: (room: string) => void = () => {};

  async find(room: string): Promise<RouteTarget | undefined> {
    if (this.away) throw new NoRouteError('the registry is away');
    return this.rooms.get(room);
  }

  async findOrPlace(room: string): Promise<RouteTarget> {
    const target = (await this.find(room)) ?? this.nodes[0];
    if (target === undefined) throw new NoRouteError('no Media Node serves');
    this.rooms.set(room, target);
    return target;
  }

  async failed(room: string, target: RouteTarget, why: LinkError | 'elsewhere'): Promise<void> {
    const reason = why === 'elsewhere' ? why : why.reason;
    this.failures.push({ room, nodeId: target.nodeId, why: reason });
    this.onFailed(room);
  }

  async placed(): Promise<ReadonlyMap<string, RouteTarget>> {
    if (this.away) throw new NoRouteError('the registry is away');
    return this.rooms;
  }

  all(): RouteTarget[] {
    return this.nodes;
  }
}
