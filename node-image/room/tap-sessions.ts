import type { Consumer } from 'mediasoup/types';
import type { Logger } from 'pino';
import { NodePipe, type PipedTrack, type PipeEnd } from '../media/taps/node-pipe';
import { newId } from './ids';
import type { LocalRooms } from './local-rooms';
import type { Room } from './room';
import type { RoomSight } from './tapped-room';

/** What another node is told of a Room that it records. */
export interface SessionNews {
  /** Higher with each change. */
  readonly version: number;
  /** Left out where nothing has changed since the version that was asked from. */
  readonly sight?: RoomSight | undefined;
  /** Of tracks that were taken, by `PipedTrack.id`: their publishers have ended them. */
  readonly ended: readonly string[];
}

export interface OpenedSession extends SessionNews {
  readonly id: string;
  readonly pipe: PipeEnd;
}

export interface TapSessionsOptions {
  readonly rooms: Pick<LocalRooms, 'get'>;
  /** Where other nodes of the cluster reach this one. */
  readonly ip: string;
  readonly log: Logger;
  /** A node that does not ask for so long is gone, in ms. @default 15000 */
  readonly leaseMs?: number;
  /** As many may be open. @default 500 */
  readonly most?: number;
}

/** More nodes record from this one than it has pipes for. */
export class TooManySessionsError extends Error {
  override readonly name = 'TooManySessionsError';
}

interface Session {
  readonly room: Room;
  readonly pipe: NodePipe;
  readonly taken: Map<string, Consumer>;
  readonly ended: Set<string>;
  version: number;
  lease: NodeJS.Timeout;
  stopWatching: () => void;
}

const LEASE_MS = 15_000;
const MOST = 500;

/** Rooms of this node that other nodes record: each session is one pipe, and what goes through it. */
export class TapSessions {
  readonly #options: TapSessionsOptions;
  readonly #sessions = new Map<string, Session>();
  #opening = 0;
  #closed = false;

  constructor(options: TapSessionsOptions) {
    this.#options = options;
  }

  /**
   * @returns undefined where the Room is not here
   * @throws TooManySessionsError
   */
  async open(name: string, far: PipeEnd): Promise<OpenedSession | undefined> {
    const { rooms, ip, most = MOST } = this.#options;
    const room = rooms.get(name);
    if (room === undefined || room.closed || this.#closed) {
      return undefined;
    }
    if (this.#sessions.size + this.#opening >= most) {
      throw new TooManySessionsError(`${most} recordings of other nodes are open here already`);
    }
    this.#opening += 1;
    try {
      const pipe = await NodePipe.open(room.media.router, ip);
      await pipe.connect(far).catch((error: unknown) => {
        pipe.close();
        throw error;
      });
      if (room.closed || this.#closed) {
        // Meanwhile, and whoever closes it does not know of this one.
        pipe.close();
        return undefined;
      }
      const id = newId('TS_');
      const session: Session = {
        room,
        pipe,
        taken: new Map(),
        ended: new Set(),
        version: 1,
        lease: this.#lease(id),
        stopWatching: () => {},
      };
      session.stopWatching = room.taps.onChange(() => {
        session.version += 1;
      });
      this.#sessions.set(id, session);
      return { id, pipe: pipe.end, version: session.version, sight: room.taps.sight(), ended: [] };
    } finally {
      this.#opening -= 1;
    }
  }

  /** @returns undefined where there is no such session (any more). */
  news(id: string, after: number): SessionNews | undefined {
    const session = this.#touched(id);
    if (session === undefined) {
      return undefined;
    }
    const { version, room, ended } = session;
    return {
      version,
      ...(version > after ? { sight: room.taps.sight() } : {}),
      ended: [...ended],
    };
  }

  /** @returns undefined where there is no such session or track, or nothing is sent of it. */
  async take(id: string, trackSid: string): Promise<PipedTrack | undefined> {
    const session = this.#touched(id);
    const taken = session?.room.taps.take(trackSid);
    if (session === undefined || taken === undefined) {
      return undefined;
    }
    try {
      const { consumer, track } = await session.pipe.send(taken.producer);
      session.taken.set(track.id, consumer);
      consumer.once('producerclose', () => session.ended.add(track.id));
      const end = (): void => {
        taken.release();
        session.taken.delete(track.id);
      };
      consumer.observer.once('close', end);
      if (consumer.closed) {
        end();
        return undefined;
      }
      return track;
    } catch (error) {
      taken.release();
      if (taken.producer.closed) {
        return undefined;
      }
      throw error;
    }
  }

  /** A track is no longer taken, by `PipedTrack.id`. Idempotent. */
  release(id: string, taken: string): void {
    const session = this.#touched(id);
    session?.taken.get(taken)?.close();
    session?.ended.delete(taken);
  }

  /** Idempotent. */
  end(id: string): void {
    const session = this.#sessions.get(id);
    if (session !== undefined) {
      this.#sessions.delete(id);
      clearTimeout(session.lease);
      session.stopWatching();
      for (const consumer of [...session.taken.values()]) {
        consumer.close();
      }
      session.pipe.close();
    }
  }

  /** Ends all. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const id of [...this.#sessions.keys()]) {
      this.end(id);
    }
  }

  #touched(id: string): Session | undefined {
    const session = this.#sessions.get(id);
    if (session !== undefined) {
      clearTimeout(session.lease);
      session.lease = this.#lease(id);
    }
    return session;
  }

  #lease(id: string): NodeJS.Timeout {
    return setTimeout(() => {
      this.#options.log.warn({ session: id }, 'a node that records a Room of this one is gone');
      this.end(id);
    }, this.#options.leaseMs ?? LEASE_MS).unref();
  }
}
