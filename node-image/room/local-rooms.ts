import {
  DisconnectReason,
  type ICEServer,
  LeaveRequest_Action,
  type RoomConfiguration,
  type ServerInfo,
} from '@livekit/protocol';
import type { Logger } from 'pino';
import { RoomMedia } from '../media/room-media';
import { NoWorkerError, type WorkerPool } from '../media/worker-pool';
import { RoomError } from './errors';
import type { Participant } from './participant';
import { Room } from './room';
import type { RoomObserver } from './room-observer';
import type { RoomSettings } from './room-settings';
import type { RoomOptions } from './room-types';

export interface LocalRoomsOptions {
  readonly pool: WorkerPool;
  readonly settings: RoomSettings;
  /** What a Room gets that nobody said anything of. */
  readonly defaults: Omit<RoomOptions, 'name' | 'metadata'>;
  /** Named sets of options. `room.room_configurations`. */
  readonly presets: ReadonlyMap<string, RoomConfiguration>;
  readonly observer: RoomObserver;
  readonly log: Logger;
  readonly serverInfo: ServerInfo;
  readonly iceServers: (participant: Participant) => ICEServer[];
  /** @default Date.now */
  readonly now?: () => number;
}

/** What may be said of a Room when it is asked for; undefined leaves the default. */
export interface RoomRequest {
  readonly name: string;
  readonly preset?: string | undefined;
  readonly metadata?: string | undefined;
  /** Seconds. 0 leaves the default, as in the protocol. */
  readonly emptyTimeout?: number | undefined;
  readonly departureTimeout?: number | undefined;
  readonly maxParticipants?: number | undefined;
  readonly syncStreams?: boolean | undefined;
}

const IDLE_CHECK_MS = 1000;
/** As long as clients try to come back to a Room that was lost, in ms. */
const LOST_ROOM_MS = 60_000;

/** The Rooms of this node, by name. */
export class LocalRooms {
  readonly #options: LocalRoomsOptions;
  readonly #rooms = new Map<string, Room>();
  readonly #creating = new Map<string, Promise<Room>>();
  /** What was said of Rooms whose worker died. */
  readonly #lost = new Map<string, RoomOptions>();
  readonly #idleTimer: NodeJS.Timeout;
  #closed = false;

  constructor(options: LocalRoomsOptions) {
    this.#options = options;
    this.#idleTimer = setInterval(() => {
      for (const room of [...this.#rooms.values()]) {
        room.closeIfIdle();
      }
    }, IDLE_CHECK_MS);
  }

  get(name: string): Room | undefined {
    return this.#rooms.get(name);
  }

  all(): Room[] {
    return [...this.#rooms.values()];
  }

  /** The Room of this name, made if there is none. Calls at the same time get the same one. */
  async getOrCreate(request: RoomRequest): Promise<Room> {
    const existing = this.#rooms.get(request.name) ?? this.#creating.get(request.name);
    if (existing !== undefined) {
      return existing;
    }
    const creating = this.#create(request).finally(() => this.#creating.delete(request.name));
    this.#creating.set(request.name, creating);
    return creating;
  }

  close(): void {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    clearInterval(this.#idleTimer);
    for (const room of [...this.#rooms.values()]) {
      // Clients try to come back for most of a minute: a node that restarts has them again.
      room.close(DisconnectReason.SERVER_SHUTDOWN, LeaveRequest_Action.RECONNECT);
    }
  }

  async #create(request: RoomRequest): Promise<Room> {
    const { pool, settings, observer, log, defaults, presets } = this.#options;
    const media = await RoomMedia.create({
      pool,
      audioIntervalMs: settings.audioIntervalMs,
      audioThreshold: -Math.min(127, settings.audioActiveLevel + 25),
      log,
    }).catch((error: unknown) => {
      throw error instanceof NoWorkerError ? new RoomError('unavailable', error.message) : error;
    });
    if (this.#closed) {
      media.close();
      throw new RoomError('unavailable', 'the node is closing, join again');
    }
    const lost = this.#lost.get(request.name);
    this.#lost.delete(request.name);
    const room = new Room(lost ?? optionsOf(request, presets.get(request.preset ?? ''), defaults), {
      media,
      settings,
      observer,
      log,
      now: this.#options.now ?? Date.now,
      serverInfo: this.#options.serverInfo,
      iceServers: this.#options.iceServers,
      onClosed: (closed, isLost) => this.#forget(closed, isLost),
    });
    this.#rooms.set(room.name, room);
    return room;
  }

  #forget(room: Room, isLost: boolean): void {
    if (this.#rooms.get(room.name) === room) {
      this.#rooms.delete(room.name);
    }
    if (isLost && !this.#closed) {
      // Whoever comes back first makes the Room anew, with all that was ever said of it.
      const { options } = room;
      this.#lost.set(room.name, options);
      setTimeout(() => {
        if (this.#lost.get(room.name) === options) {
          this.#lost.delete(room.name);
        }
      }, LOST_ROOM_MS).unref();
    }
  }
}

function optionsOf(
  request: RoomRequest,
  preset: RoomConfiguration | undefined,
  defaults: LocalRoomsOptions['defaults'],
): RoomOptions {
  return {
    name: request.name,
    metadata: request.metadata || preset?.metadata || '',
    emptyTimeout: request.emptyTimeout || preset?.emptyTimeout || defaults.emptyTimeout,
    departureTimeout:
      request.departureTimeout || preset?.departureTimeout || defaults.departureTimeout,
    maxParticipants: request.maxParticipants || preset?.maxParticipants || defaults.maxParticipants,
    syncStreams: request.syncStreams || preset?.syncStreams || defaults.syncStreams,
  };
}
