import type { Logger } from 'pino';
import type { HostedRooms } from '../cluster/hosted-rooms';
import { type LinkClient, LinkError } from '../cluster/link/link';
import type { LinkAddress } from '../cluster/node-record';
import type { NodeWatch } from '../cluster/node-watch';
import type { PlacementDecision } from '../cluster/placement';
import type { ClusterSnapshot, Registry } from '../cluster/registry';
import { RegistryUnavailableError, type RoomPlacement } from '../cluster/registry';
import { encodeHandover, type RoomHandover } from '../room/handover';
import type { LocalRooms } from '../room/local-rooms';
import type { Room } from '../room/room';

/** Until the other node has the Room, ms. */
const HANDOVER_MS = 5000;

export interface RoomMoverOptions {
  readonly nodeId: string;
  readonly rooms: LocalRooms;
  readonly hosted: HostedRooms;
  readonly registry: Registry;
  readonly watch: NodeWatch;
  readonly link: LinkClient;
  readonly choose: (snapshot: ClusterSnapshot, exclude: ReadonlySet<string>) => PlacementDecision;
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
    const room = this.#options.rooms.get(name);
    const epoch = this.#options.hosted.epochOf(name);
    if (room === undefined || epoch === undefined) {
      return undefined;
    }
    const target = await this.#target();
    if (typeof target === 'string') {
      return target;
    }
    this.#moving.add(name);
    await room.freeze();
    try {
      return await this.#moveTo(target, room, epoch);
    } finally {
      room.unfreeze();
      this.#moving.delete(name);
    }
  }

  async #target(): Promise<{ nodeId: string; link: LinkAddress } | string> {
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
    const { chosen } = choose(snapshot, new Set([nodeId]));
    const link = chosen === undefined ? undefined : watch.node(chosen)?.record.link;
    return chosen === undefined || link === undefined
      ? 'no other Media Node serves'
      : { nodeId: chosen, link };
  }

  async #moveTo(
    target: { nodeId: string; link: LinkAddress },
    room: Room,
    epoch: number,
  ): Promise<string | undefined> {
    const { registry, hosted, rooms, nodeId, log } = this.#options;
    const handover = rooms.prepareHandover(room);
    const result = await registry.place({
      room: room.name,
      nodeId: target.nodeId,
      replaces: epoch,
      movedFrom: nodeId,
    });
    if (result.outcome !== 'placed') {
      // Somebody else has placed it: it is not this node's to move any more.
      return this.#lookAgain(room, result.outcome === 'exists' ? result.placement : undefined);
    }
    try {
      await this.#handOver(target.link, room.name, handover);
    } catch (error) {
      log.warn({ err: error, room: room.name, to: target.nodeId }, 'a Room was not taken over');
      await this.#takeBack(room, result.placement.epoch);
      return `node ${target.nodeId} did not take over Room ${room.name}`;
    }
    hosted.gaveAway(room.name);
    log.info(
      { room: room.name, to: target.nodeId, participants: handover.participants.length },
      'Room moved',
    );
    rooms.depart(room);
    return undefined;
  }

  async #handOver(to: LinkAddress, room: string, handover: RoomHandover): Promise<void> {
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
