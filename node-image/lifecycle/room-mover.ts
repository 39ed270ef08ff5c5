import type { Logger } from 'pino';
import type { HostedRooms } from '../cluster/hosted-rooms';
import { type LinkClient, LinkError } from '../cluster/link/link';
import type { LinkAddress } from '../cluster/node-record';
import type { NodeWatch } from '../cluster/node-watch';
import type { PlacementDecision } from '../cluster/placement';
import {
  type ClusterSnapshot,
  type PlaceRequest,
  type PlaceResult,
  type Registry,
  RegistryUnavailableError,
  type RoomPlacement,
} from '../cluster/registry';
import { encodeHandover, type RoomHandover } from '../room/handover';
import type { LocalRooms } from '../room/local-rooms';
import type { Room } from '../room/room';

/** Until the other node has the Room, ms. */
const HANDOVER_MS = 5000;
/** How long, and how often, it is tried to place a Room while the registry does not answer, ms. */
const PLACE_MS = 3000;
const PLACE_AGAIN_MS = 200;

export interface RoomMoverOptions {
  readonly nodeId: string;
  readonly rooms: LocalRooms;
  readonly hosted: HostedRooms;
  readonly registry: Registry;
  readonly watch: NodeWatch;
  readonly link: LinkClient;
  readonly choose: (snapshot: ClusterSnapshot, exclude: ReadonlySet<string>) => PlacementDecision;
  /** A good moment for a Room to go, of which it is known soon. @default - any is */
  readonly beforeMove?: ((room: string) => Promise<void>) | undefined;
  readonly log: Logger;
}

/** Moves Rooms of this node to others: the Room goes on there, and its clients are sent after it. */
export class RoomMover {
  readonly #options: RoomMoverOptions;
  readonly #moving = new Set<string>();

  constructor(options: RoomMoverOptions) {
    this.#options = options;
  }

  /** Whether a Room is on its way: what the registry says of it meanwhile is no surprise. */
  isMoving(room: string): boolean {
    return this.#moving.has(room);
  }

  /** @returns what is in the way, for people; undefined where the Room is gone from here. */
  async move(name: string): Promise<string | undefined> {
    const { rooms, hosted } = this.#options;
    const room = rooms.get(name);
    const epoch = hosted.epochOf(name);
    if (room === undefined || epoch === undefined) {
      return undefined;
    }
    const target = await this.#target();
    if (typeof target !== 'string') await this.#options.beforeMove?.(name);
    return typeof target === 'string'
      ? target
      : this.#frozen(room, epoch, (handover) => this.#moveTo(target, room, epoch, handover));
  }

  /**
   * Finishes a move that this node has begun, by the registry, and heard no answer of. Never rejects.
   *
   * @param placement - that the registry holds.
   * @returns whether it is one.
   */
  finish(placement: RoomPlacement): boolean {
    const { rooms, hosted, nodeId, log } = this.#options;
    const room = rooms.get(placement.room);
    const epoch = hosted.epochOf(placement.room);
    const isOurs = placement.movedFrom === nodeId && placement.nodeId !== nodeId;
    if (room === undefined || epoch === undefined || epoch >= placement.epoch || !isOurs) {
      return false;
    }
    this.#frozen(room, epoch, (handover) => this.#send(room, placement, handover)).catch(
      (error: unknown) => {
        log.warn({ err: error, room: room.name }, 'a Room is on its way, and not taken over yet');
      },
    );
    return true;
  }

  /** Does it while nothing changes the Room, unless that has ended meanwhile. */
  async #frozen(
    room: Room,
    epoch: number,
    work: (handover: RoomHandover) => Promise<string | undefined>,
  ): Promise<string | undefined> {
    const { hosted, rooms } = this.#options;
    this.#moving.add(room.name);
    try {
      await room.freeze();
      return hosted.epochOf(room.name) === epoch
        ? await work(rooms.prepareHandover(room))
        : undefined;
    } finally {
      this.#moving.delete(room.name);
      room.unfreeze();
    }
  }

  /** @returns a node, or what is in the way. */
  async #target(): Promise<{ readonly nodeId: string } | string> {
    const { watch, choose, nodeId } = this.#options;
    let snapshot: ClusterSnapshot;
    try {
      snapshot = await watch.look();
    } catch (error) {
      if (error instanceof RegistryUnavailableError) {
        return 'the registry of the cluster does not answer';
      }
      throw error;
    }
    const exclude = new Set([nodeId, ...(await watch.unproven(snapshot.nodes))]);
    const { chosen } = choose(snapshot, exclude);
    return chosen === undefined || watch.node(chosen)?.record.link === undefined
      ? 'no other Media Node serves'
      : { nodeId: chosen };
  }

  async #moveTo(
    { nodeId }: { readonly nodeId: string },
    room: Room,
    epoch: number,
    handover: RoomHandover,
  ): Promise<string | undefined> {
    const { registry, hosted } = this.#options;
    const from = this.#options.nodeId;
    const result = await this.#place({ room: room.name, nodeId, replaces: epoch, movedFrom: from });
    const placement = result.outcome === 'outdated' ? undefined : result.placement;
    const isPlaced = placement?.movedFrom === from && placement.nodeId !== from;
    if (placement === undefined || !isPlaced) {
      // Somebody else has placed it: it is not this node's to move any more.
      return this.#lookAgain(room, placement);
    }
    if (hosted.epochOf(room.name) !== epoch) {
      // It has ended in this moment, and must not go on anywhere.
      await registry.release(room.name, placement.epoch);
      return undefined;
    }
    return this.#send(room, placement, handover);
  }

  /** Tries again for a while: whether a question without an answer was heard is not known. */
  async #place(request: PlaceRequest): Promise<PlaceResult> {
    const untilMs = performance.now() + PLACE_MS;
    for (;;) {
      try {
        return await this.#options.registry.place(request);
      } catch (error) {
        if (!(error instanceof RegistryUnavailableError) || performance.now() >= untilMs) {
          throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, PLACE_AGAIN_MS));
      }
    }
  }

  /** Gives a Room to the node that it is placed on. */
  async #send(
    room: Room,
    { nodeId, epoch }: RoomPlacement,
    handover: RoomHandover,
  ): Promise<string | undefined> {
    const { hosted, rooms, watch, log } = this.#options;
    try {
      await this.#handOver(watch.node(nodeId)?.record.link, room.name, handover);
    } catch (error) {
      log.warn({ err: error, room: room.name, to: nodeId }, 'a Room was not taken over');
      await this.#takeBack(room, epoch);
      return `node ${nodeId} did not take over Room ${room.name}`;
    }
    hosted.gaveAway(room.name);
    log.info(
      { room: room.name, to: nodeId, participants: handover.participants.length },
      'Room moved',
    );
    rooms.depart(room);
    return undefined;
  }

  async #handOver(
    to: LinkAddress | undefined,
    room: string,
    handover: RoomHandover,
  ): Promise<void> {
    if (to === undefined) {
      throw new LinkError('refused', 'the node is gone');
    }
    const answer = await this.#options.link.request(to, {
      method: 'POST',
      path: `/rooms/${encodeURIComponent(room)}/handover`,
      headers: { 'content-type': 'application/json' },
      body: encodeHandover(handover),
      timeoutMs: HANDOVER_MS,
    });
    if (answer.status !== 200) {
      throw new LinkError('reset', `the node answered ${answer.status}: ${answer.body.toString()}`);
    }
  }

  async #takeBack(room: Room, epoch: number): Promise<void> {
    const { registry, nodeId, hosted } = this.#options;
    const { name } = room;
    const result = await registry.place({ room: name, nodeId, replaces: epoch });
    if (result.outcome === 'placed') {
      await hosted.claim(name);
    } else {
      await this.#lookAgain(room, result.outcome === 'exists' ? result.placement : undefined);
    }
  }

  async #lookAgain(room: Room, placement: RoomPlacement | undefined): Promise<string | undefined> {
    const { nodeId, hosted, rooms } = this.#options;
    if (placement !== undefined && placement.nodeId !== nodeId) {
      hosted.gaveAway(room.name);
      rooms.stepBack(room.name);
      return undefined;
    }
    await hosted.claim(room.name);
    return `Room ${room.name} is being placed by somebody else`;
  }
}
