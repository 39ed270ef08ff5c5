import { RoomError } from '../../node-image/room/errors';
import { decodeHandover, encodeHandover, type RoomHandover } from '../../node-image/room/handover';
import { LocalRoomControl } from '../../node-image/room/local-room-control';
import type { Room } from '../../node-image/room/room';
import { TestRooms } from './rooms';
import { Placements } from './shared-ownership';

export const isRoomError = (code: string) => (error: unknown) =>
  error instanceof RoomError && error.code === code;
export const identities = (infos: readonly { identity: string }[]): string[] =>
  infos.map((one) => one.identity);

export type JoinChanges = Parameters<TestRooms['join']>[2];

const limits = { nameLength: 10, metadataBytes: 10, attributesBytes: 10 };

/** Two nodes of one cluster, between which Rooms move. */
export class TwoNodes {
  readonly fromControl: LocalRoomControl;
  readonly toControl: LocalRoomControl;
  #rooms = 0;

  private constructor(
    readonly from: TestRooms,
    readonly to: TestRooms,
    readonly placements: Placements,
  ) {
    this.fromControl = new LocalRoomControl(from.rooms, limits);
    this.toControl = new LocalRoomControl(to.rooms, limits);
  }

  static async start(): Promise<TwoNodes> {
    const placements = new Placements();
    const [from, to] = await Promise.all(
      ['from', 'to'].map((node) =>
        TestRooms.start({ rooms: { ownership: placements.of(node), handoverWaitMs: 300 } }),
      ),
    );
    if (from === undefined || to === undefined) {
      throw new Error('no nodes');
    }
    return new TwoNodes(from, to, placements);
  }

  close(): void {
    this.from.close();
    this.to.close();
  }

  /** A Room on the first node. */
  async room(name: string): Promise<Room> {
    this.placements.place(name, 'from');
    return this.from.rooms.getOrCreate({ name, metadata: 'meta' });
  }

  /** A Room that no test has had, on the first node; what was told before is forgotten. */
  async newRoom(): Promise<Room> {
    this.#rooms += 1;
    const room = await this.room(`room-${this.#rooms}`);
    this.events();
    return room;
  }

  /** One whose media is up, on the first node. */
  async enter(room: Room, identity: string, changes: JoinChanges = {}) {
    const joined = await this.from.join(room, identity, changes);
    room.activated(joined.participant);
    return joined;
  }

  /** Freezes a Room and places it on the other node; what that one is told comes back. */
  async take(room: Room): Promise<RoomHandover> {
    await room.freeze();
    const handover = this.from.rooms.prepareHandover(room);
    this.placements.place(room.name, 'to', 'from');
    return decodeHandover(encodeHandover(handover));
  }

  /** Moves a Room from the first node to the second one. */
  async move(room: Room): Promise<Room> {
    await this.to.rooms.adopt(await this.take(room));
    this.from.rooms.depart(room);
    return this.there(room.name);
  }

  there(name: string): Room {
    const room = this.to.rooms.get(name);
    if (room === undefined) {
      throw new Error(`room ${name} is not on the second node`);
    }
    return room;
  }

  /** What both nodes told since the last time. */
  events(): { from: string[]; to: string[] } {
    return { from: this.from.events.splice(0), to: this.to.events.splice(0) };
  }
}
