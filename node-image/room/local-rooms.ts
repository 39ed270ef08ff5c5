import {
  DisconnectReason,
  type ICEServer,
  LeaveRequest_Action,
  type RoomConfiguration,
  type RoomEgress,
  type ServerInfo,
} from '@livekit/protocol';
import type { Logger } from 'pino';
import { RoomMedia } from '../media/room-media';
import type { RemoteAddress } from '../media/transports';
import { NoWorkerError, type WorkerPool } from '../media/worker-pool';
import { Arrivals } from './arrivals';
import { RoomError } from './errors';
import type { RoomHandover } from './handover';
import type { Participant } from './participant';
import { Room } from './room';
import { prepareHandover } from './room-handover';
import type { RoomObserver } from './room-observer';
import {
  type EgressSeal,
  optionsOf,
  optionsOfFacts,
  type RoomDefaults,
  type RoomRequest,
} from './room-options';
import { type RoomClaim, RoomElsewhereError, type RoomOwnership } from './room-ownership';
import type { RoomSettings } from './room-settings';
import type { RoomEnd } from './room-types';

export interface LocalRoomsOptions {
  readonly pool: WorkerPool;
  /** Which Rooms are this node's to host. */
  readonly ownership: RoomOwnership;
  readonly settings: RoomSettings;
  readonly defaults: RoomDefaults;
  /** Named sets of options. `room.room_configurations`. */
  readonly presets: ReadonlyMap<string, RoomConfiguration>;
  /** @default - nothing is recorded by itself */
  readonly sealEgress?: EgressSeal | undefined;
  readonly observer: RoomObserver;
  readonly log: Logger;
  readonly serverInfo: ServerInfo;
  readonly iceServers: (participant: Pick<Participant, 'sid'>) => ICEServer[];
  /** How long those whose Room has moved have to come back to it, in ms. @default 45000 */
  readonly rejoinWaitMs?: number;
  /** How long who comes early to a Room that moves waits for it, in ms. @default 1500 */
  readonly handoverWaitMs?: number;
  /** @default Date.now */
  readonly now?: () => number;
}

const IDLE_CHECK_MS = 1000;
/** As long as clients try to come back, in ms. */
const REJOIN_WAIT_MS = 45_000;
const HANDOVER_WAIT_MS = 1500;
/** A handover that comes again within this time, in ms, is known. */
const KNOWN_HANDOVER_MS = 60_000;
/** How often it is tried to give a Room another worker, in ms. */
const REMAKE_MS = 250;

/** The Rooms of this node, by name. */
export class LocalRooms {
  readonly #options: LocalRoomsOptions;
  readonly #rooms = new Map<string, Room>();
  readonly #creating = new Map<string, Promise<Room>>();
  readonly #arrivals: Arrivals;
  readonly #adoptions = new Map<string, Promise<void>>();
  readonly #changed = new Set<Room>();
  readonly #idleTimer: NodeJS.Timeout;
  #closed = false;

  constructor(options: LocalRoomsOptions) {
    this.#options = options;
    this.#arrivals = new Arrivals(options.handoverWaitMs ?? HANDOVER_WAIT_MS);
    this.#idleTimer = setInterval(() => this.#closeIdle(), IDLE_CHECK_MS);
  }

  get(name: string): Room | undefined {
    return this.#rooms.get(name);
  }

  /** Whether there is a Room of this name, or one is being made or taken over. */
  has(name: string): boolean {
    return this.#rooms.has(name) || this.#creating.has(name) || this.#arrivals.has(name);
  }

  all(): Room[] {
    return [...this.#rooms.values()];
  }

  /**
   * The Room of this name, made if there is none. Calls at the same time get the same one; while it
   * is about to move they wait for what becomes of it.
   *
   * @throws RoomElsewhereError where another node hosts it, or nobody has said that this one may.
   * @throws RoomError `unavailable`
   */
  async getOrCreate(request: RoomRequest): Promise<Room> {
    return (await this.#existing(request.name)) ?? this.#make(request);
  }

  /**
   * The Room of this name, for what does not make one: it is here, or goes on here from what its
   * last node has left behind.
   *
   * @throws RoomElsewhereError, RoomError as `getOrCreate`.
   */
  async find(name: string): Promise<Room | undefined> {
    const existing = await this.#existing(name);
    if (existing !== undefined || this.#creating.has(name) || this.#arrivals.has(name)) {
      return existing ?? this.#make({ name });
    }
    const claim = await this.#options.ownership.claim(name);
    if (claim.facts === undefined && claim.isMoving) {
      await this.#arrivals.wait(name);
    }
    const isKnown = claim.facts !== undefined || this.#arrivals.has(name);
    return isKnown || this.#creating.has(name)
      ? this.#make({ name }, claim)
      : this.#rooms.get(name);
  }

  /** What is recorded of a Room by itself from now on; it is known to its next node as well. */
  record(room: Room, egress: RoomEgress): void {
    const autoEgress = this.#options.sealEgress?.(room.name, egress);
    if (autoEgress !== undefined) room.update({ autoEgress });
  }

  /** A frozen Room as it is now, for the node that hosts it from now on. */
  prepareHandover(room: Room): RoomHandover {
    return prepareHandover(room);
  }

  /** Sends all in a Room to where it goes on, and closes it here in silence. Idempotent. */
  depart(room: Room): void {
    room.depart();
  }

  /** Another node hosts a Room by a newer right: as `depart`. */
  stepBack(name: string): void {
    this.#rooms.get(name)?.depart();
    // One that is being made is made by the right that no longer holds.
    this.#creating.get(name)?.then(
      (room) => room.depart(),
      () => {},
    );
  }

  /**
   * Takes over a Room from the node that hosted it, and expects who was in it. A handover that
   * comes twice is taken once.
   *
   * @throws RoomElsewhereError, RoomError as `getOrCreate`.
   */
  adopt(handover: RoomHandover): Promise<void> {
    const { id } = handover;
    const known = this.#adoptions.get(id);
    if (known !== undefined) {
      return known;
    }
    const forget = (): boolean => this.#adoptions.delete(id);
    const adoption = this.#take(handover);
    this.#adoptions.set(id, adoption);
    adoption.then(() => void setTimeout(forget, KNOWN_HANDOVER_MS).unref(), forget);
    return adoption;
  }

  /** Those whose media comes from an address that fits. */
  participantsVia(fits: (remote: RemoteAddress) => boolean): Participant[] {
    return this.all()
      .flatMap((room) => room.reachable())
      .filter(({ parts }) => parts.connections.remoteAddresses().some(fits));
  }

  /** Has a participant join again, by another path: for others it stays. */
  sendAway(participant: Participant): void {
    this.all()
      .find((room) => room.participants.get(participant.identity) === participant)
      ?.sendAway(participant);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#idleTimer);
    const end = this.#options.ownership.outlivesNode ? 'closed' : 'finished';
    for (const room of [...this.#rooms.values()]) {
      // Clients try to come back for most of a minute: a node that restarts has them again.
      room.close(DisconnectReason.SERVER_SHUTDOWN, LeaveRequest_Action.RECONNECT, end);
    }
  }

  #closeIdle(): void {
    for (const room of [...this.#rooms.values()]) {
      try {
        room.closeIfIdle();
      } catch (error) {
        // Others are not to end with it.
        room.log.error({ err: error }, 'it could not be looked at whether a room is idle');
      }
    }
  }

  async #existing(name: string): Promise<Room | undefined> {
    await this.#rooms.get(name)?.settled();
    return this.#rooms.get(name);
  }

  async #make(request: RoomRequest, claim?: RoomClaim): Promise<Room> {
    const { name } = request;
    const existing = this.#rooms.get(name) ?? this.#creating.get(name);
    if (existing !== undefined) {
      return existing;
    }
    const creating = this.#create(request, claim).finally(() => this.#creating.delete(name));
    this.#creating.set(name, creating);
    return creating;
  }

  async #create(request: RoomRequest, given: RoomClaim | undefined): Promise<Room> {
    const { name } = request;
    if (this.#closed) {
      throw this.#closing();
    }
    const [claimed, created] = await Promise.allSettled([
      this.#claim(name, given),
      this.#createMedia(),
    ]);
    const media = created.status === 'fulfilled' ? created.value : undefined;
    if (claimed.status === 'rejected' || media === undefined || this.#closed) {
      media?.close();
      throw this.#closed
        ? this.#closing()
        : [claimed, created].find((one) => one.status === 'rejected')?.reason;
    }
    const handover = this.#arrivals.take(name);
    const facts = handover?.facts ?? claimed.value.facts;
    const { presets, defaults, sealEgress } = this.#options;
    const options = facts
      ? optionsOfFacts(facts)
      : optionsOf(request, presets.get(request.preset ?? ''), defaults, sealEgress);
    const room = new Room(
      options,
      {
        ...this.#options,
        media,
        now: this.#options.now ?? Date.now,
        rejoinWaitMs: this.#options.rejoinWaitMs ?? REJOIN_WAIT_MS,
        onFactsChanged: (changed) => this.#factsChanged(changed),
        onClosed: (closed, end) => this.#forget(closed, end),
        onLost: (lost) => this.#lost(lost),
      },
      facts,
    );
    this.#rooms.set(name, room);
    if (handover !== undefined) {
      room.adopt(handover);
    }
    return room;
  }

  /** Where Rooms outlive their node, the next one has it in a moment: whoever asked looks again. */
  #closing(): Error {
    return this.#options.ownership.outlivesNode
      ? new RoomElsewhereError('the node is closing: the room goes on elsewhere')
      : new RoomError('unavailable', 'the node is closing, join again');
  }

  /** Whose Room it is, and, where it is on its way here, what arrives of it. */
  async #claim(name: string, given: RoomClaim | undefined): Promise<RoomClaim> {
    const claim = given ?? (await this.#options.ownership.claim(name));
    if (claim.isMoving) {
      await this.#arrivals.wait(name);
    }
    return claim;
  }

  async #createMedia(): Promise<RoomMedia> {
    const { pool, settings, log } = this.#options;
    const { audioIntervalMs, audioActiveLevel, tracksPerWorker } = settings;
    const audioThreshold = -Math.min(127, audioActiveLevel + 25);
    const options = { pool, log, audioIntervalMs, audioThreshold, tracksPerWorker };
    try {
      return await RoomMedia.create(options);
    } catch (error) {
      throw error instanceof NoWorkerError ? new RoomError('unavailable', error.message) : error;
    }
  }

  async #take(handover: RoomHandover): Promise<void> {
    this.#arrivals.put(handover);
    try {
      await this.#receive(handover);
    } finally {
      this.#arrivals.drop(handover);
    }
  }

  async #receive(handover: RoomHandover): Promise<void> {
    const room = await this.getOrCreate({ name: handover.facts.name });
    if (this.#arrivals.drop(handover)) {
      // Somebody was here before.
      room.adopt(handover);
    }
  }

  /** What is told of a Room is told once for all that happens at a time. */
  #factsChanged(room: Room): void {
    if (this.#changed.size === 0) {
      setImmediate(() => {
        const changed = [...this.#changed];
        this.#changed.clear();
        for (const one of changed.filter(({ closed }) => !closed)) {
          this.#options.ownership.changed(one.name, one.facts());
        }
      });
    }
    this.#changed.add(room);
  }

  #forget(room: Room, end: RoomEnd): void {
    if (this.#rooms.get(room.name) === room) {
      this.#rooms.delete(room.name);
    }
    if (end === 'finished' && !this.#closed) {
      this.#options.ownership.released(room.name);
    }
  }

  /** A worker is gone with a Room's media: the Room moves to another one, like to another node. */
  #lost(room: Room): void {
    if (room.closed || this.#closed) {
      return;
    }
    room.log.error('the media worker of this room died; its participants join again');
    const isOnItsWay = room.isFrozen;
    const handover = prepareHandover(room);
    room.depart(DisconnectReason.STATE_MISMATCH);
    if (!isOnItsWay) {
      this.#options.ownership.changed(room.name, handover.facts);
      void this.#remake(handover);
    }
  }

  async #remake(handover: RoomHandover): Promise<void> {
    // Who comes back first has the Room made as it was, and may be quicker than this.
    this.#arrivals.put(handover);
    while (!this.#closed) {
      try {
        await this.#receive(handover);
        return;
      } catch (error) {
        if (error instanceof RoomElsewhereError) {
          this.#arrivals.drop(handover);
          return;
        }
        this.#options.log.debug({ err: error }, 'a room cannot have another worker yet');
        await new Promise((resolve) => setTimeout(resolve, REMAKE_MS).unref());
      }
    }
  }
}
