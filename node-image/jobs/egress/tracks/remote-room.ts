import type { Producer, Router } from 'mediasoup/types';
import type { Logger } from 'pino';
import { z } from 'zod';
import { type LinkAnswer, type LinkClient, LinkError } from '../../../cluster/link/link';
import type { LinkAddress } from '../../../cluster/node-record';
import { NodePipe } from '../../../media/taps/node-pipe';
import { RtpTap } from '../../../media/taps/rtp-tap';
import type { WorkerPool } from '../../../media/worker-pool';
import {
  openedSessionSchema,
  pipedTrackSchema,
  sessionNewsSchema,
} from '../../../room/tap-messages';
import type { OpenedSession, SessionNews } from '../../../room/tap-sessions';
import type { RoomSight, TappedRoom } from '../../../room/tapped-room';

export interface RemoteRoomOptions {
  readonly room: string;
  /** Of the node that has it. */
  readonly address: LinkAddress;
  readonly link: LinkClient;
  /** Of this machine, which that node reaches. */
  readonly ip: string;
  /** Whose workers take what comes. */
  readonly pool: WorkerPool;
  readonly log: Logger;
}

/** So often it is asked what is new, in ms: at once would hold a connection of the node link. */
const POLL_MS = 400;
const CALL_MS = 3000;
/** A node that does not answer for so long has the Room no more, in ms. */
const LOST_MS = 6000;

/**
 * A Room of another node: its media comes through an encrypted pipe to a Router of this one.
 *
 * @returns undefined where that node has no such Room
 * @throws LinkError where it does not answer
 */
export async function openRemoteRoom(options: RemoteRoomOptions): Promise<TappedRoom | undefined> {
  const router = await options.pool.pick().createRouter();
  try {
    const pipe = await NodePipe.open(router, options.ip);
    const path = `/taps/${encodeURIComponent(options.room)}`;
    const opened = await call(options, 'POST', path, openedSessionSchema, pipe.end);
    if (opened === undefined) {
      router.close();
      return undefined;
    }
    await pipe.connect(opened.pipe).catch((error: unknown) => {
      release(options, `${path}/${encodeURIComponent(opened.id)}`);
      throw error;
    });
    return new RemoteRoom(options, router, pipe, opened);
  } catch (error) {
    router.close();
    throw error;
  }
}

class RemoteRoom implements TappedRoom {
  readonly #options: RemoteRoomOptions;
  readonly #router: Router;
  readonly #pipe: NodePipe;
  readonly #path: string;
  readonly #listeners = new Set<() => void>();
  /** By `PipedTrack.id`. */
  readonly #taps = new Map<string, RtpTap>();
  readonly #timer: NodeJS.Timeout;
  #sight: RoomSight;
  #version: number;
  #answeredMs = Date.now();
  #isAsking = false;
  #closed = false;

  constructor(options: RemoteRoomOptions, router: Router, pipe: NodePipe, opened: OpenedSession) {
    this.#options = options;
    this.#router = router;
    this.#pipe = pipe;
    const room = encodeURIComponent(options.room);
    this.#path = `/taps/${room}/${encodeURIComponent(opened.id)}`;
    this.#version = opened.version;
    this.#sight = opened.sight ?? { state: 'moved', sid: '', participants: [] };
    this.#timer = setInterval(() => void this.#ask(), POLL_MS);
    router.observer.once('close', () => this.#lost());
  }

  get name(): string {
    return this.#options.room;
  }

  sight(): RoomSight {
    return this.#sight;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async tap(trackSid: string): Promise<RtpTap | undefined> {
    const path = `${this.#path}/${encodeURIComponent(trackSid)}`;
    const track = this.#closed ? undefined : await this.#call('POST', path, pipedTrackSchema);
    if (track === undefined || this.#closed) {
      return undefined;
    }
    const release = (): void => this.#release(`${this.#path}/${encodeURIComponent(track.id)}`);
    let producer: Producer | undefined;
    try {
      producer = await this.#pipe.receive(track);
      const tap = await RtpTap.create({ router: this.#router, producer });
      this.#taps.set(track.id, tap);
      tap.onceClosed(() => {
        this.#taps.delete(track.id);
        producer?.close();
        release();
      });
      return tap;
    } catch (error) {
      producer?.close();
      release();
      throw error;
    }
  }

  close(): void {
    if (!this.#closed) {
      this.#closed = true;
      clearInterval(this.#timer);
      this.#listeners.clear();
      for (const tap of [...this.#taps.values()]) {
        tap.close();
      }
      this.#release(this.#path);
      this.#router.close();
    }
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) {
      return;
    }
    this.#isAsking = true;
    try {
      const path = `${this.#path}?after=${this.#version}`;
      const news = await this.#call('GET', path, sessionNewsSchema);
      this.#answeredMs = Date.now();
      if (news === undefined) {
        this.#lost();
      } else {
        this.#take(news);
      }
    } catch (error) {
      if (Date.now() - this.#answeredMs >= LOST_MS || isRefused(error)) {
        this.#lost();
      }
    } finally {
      this.#isAsking = false;
    }
  }

  #take({ version, sight, ended }: SessionNews): void {
    this.#version = version;
    for (const id of ended) {
      this.#taps.get(id)?.end();
    }
    if (sight !== undefined && !this.#closed) {
      this.#sight = sight;
      this.#tell();
    }
  }

  /** The node, or the session, is gone. Where the Room is now is for others to find. */
  #lost(): void {
    if (!this.#closed && this.#sight.state === 'open') {
      clearInterval(this.#timer);
      this.#sight = { ...this.#sight, state: 'moved' };
      this.#tell();
    }
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) {
      listener();
    }
  }

  #call<T>(method: 'GET' | 'POST', path: string, schema: z.ZodType<T>): Promise<T | undefined> {
    return call(this.#options, method, path, schema);
  }

  #release(path: string): void {
    release(this.#options, path);
  }
}

/** Where it does not get there, the session ends as nobody asks any more. */
function release(options: RemoteRoomOptions, path: string): void {
  call(options, 'DELETE', path, z.unknown()).catch((error: unknown) => {
    options.log.debug({ err: error, path }, 'a node was not told that a track is free');
  });
}

const isRefused = (error: unknown): boolean =>
  error instanceof LinkError && error.reason === 'refused';

/** @returns undefined where it is not there. @throws LinkError, Error */
async function call<T>(
  { link, address }: RemoteRoomOptions,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  schema: z.ZodType<T>,
  body?: unknown,
): Promise<T | undefined> {
  const answer: LinkAnswer = await link.request(address, {
    method,
    path,
    timeoutMs: CALL_MS,
    ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }),
  });
  if (answer.status === 404 || answer.status === 421) {
    return undefined;
  }
  if (answer.status !== 200) {
    throw new Error(`${method} ${path} was answered with ${answer.status}: ${answer.body}`);
  }
  return schema.parse(JSON.parse(answer.body.toString('utf8')));
}
