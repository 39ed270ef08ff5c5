import type { Logger } from 'pino';
import { RoomError } from '../../../room/errors';
import type { LocalRooms } from '../../../room/local-rooms';
import { isPassedThrough } from '../ingress-rules';
import { IngressGoneError, IngressRefusedError } from '../ingress-runs';
import type { IngressStore } from '../ingress-store';
import type { PushRunner } from '../push-runner';
import { TranscodedSession } from './transcoded-session';
import {
  newSessionIds,
  type WhipAnswer,
  WhipError,
  type WhipHost,
  type WhipOffer,
  type WhipPatch,
  type WhipRestart,
} from './whip-host';
import { offeredTracks } from './whip-offer';
import { WhipSession } from './whip-session';

const ANSWER_MS = 5000;
const MEDIA_MS = 10_000;

export interface WhipSessionsOptions {
  readonly nodeId: string;
  readonly store: IngressStore;
  readonly pushes: PushRunner;
  readonly rooms: Pick<LocalRooms, 'find' | 'getOrCreate'>;
  /** A Room that does not exist is made by the first who joins it. `room.auto_create`. */
  readonly autoCreate: boolean;
  /** How long an answer may take, in ms. @default 5000 */
  readonly answerTimeoutMs?: number;
  /** How long a sender has to be there with its media, in ms. @default 10000 */
  readonly mediaTimeoutMs?: number;
  readonly log: Logger;
}

type Session = WhipSession | TranscodedSession;

/** The senders by WHIP whose Rooms are on this node. */
export class WhipSessions implements WhipHost {
  readonly #options: WhipSessionsOptions;
  readonly #sessions = new Map<string, Session>();

  constructor(options: WhipSessionsOptions) {
    this.#options = options;
  }

  /** @throws WhipError, RoomElsewhereError */
  async publish({ ingressId, offer, userAgent }: WhipOffer): Promise<WhipAnswer> {
    const { nodeId, pushes, rooms, log, mediaTimeoutMs = MEDIA_MS } = this.#options;
    const info = await this.#enabled(ingressId);
    // One that cannot be read puts nobody out.
    const tracks = offeredTracks(info, offer);
    const ids = newSessionIds(nodeId);
    const isAsItIs = isPassedThrough(info);
    const session = await pushes
      .begin<Session>({
        ...{ info, way: isAsItIs ? 'whip' : 'transcoded-whip', resourceId: ids.shown },
        open: (run) => {
          const options = { run, rooms, mediaTimeoutMs, log };
          return isAsItIs ? new WhipSession(options) : new TranscodedSession(options);
        },
      })
      .catch((error: unknown) => Promise.reject(shown(error)));
    this.#sessions.set(ids.ofSender, session);
    this.#forgetEnded();
    try {
      const answer = await this.#inTime(session, session.start(offer, tracks));
      const { ingressId: ingress, roomName: room } = info;
      log.info({ ingress, room, resource: ids.shown, userAgent }, 'a WHIP sender is answered');
      const { etag, iceServers } = session;
      return { resourceId: ids.ofSender, answer, etag, iceServers };
    } catch (error) {
      this.#sessions.delete(ids.ofSender);
      throw shown(error);
    }
  }

  async patch(resourceId: string, patch: WhipPatch): Promise<WhipRestart | undefined> {
    return this.#session(resourceId).patch(patch);
  }

  async end(resourceId: string): Promise<void> {
    const session = this.#session(resourceId);
    this.#sessions.delete(resourceId);
    session.stop('sender');
  }

  async #enabled(ingressId: string) {
    const stored = await this.#options.store.get(ingressId);
    if (stored === undefined) {
      throw new WhipError(404, 'ingress does not exist');
    }
    const { info } = stored;
    if (info.enabled === false) {
      throw new WhipError(403, 'session is disabled');
    }
    if (info.roomName === '') {
      throw new WhipError(409, 'the Ingress has no room: set one by UpdateIngress');
    }
    if (
      !this.#options.autoCreate &&
      (await this.#options.rooms.find(info.roomName)) === undefined
    ) {
      throw new WhipError(404, 'requested room does not exist');
    }
    return info;
  }

  #session(resourceId: string): Session {
    const session = this.#sessions.get(resourceId);
    if (session === undefined || session.hasEnded) {
      this.#sessions.delete(resourceId);
      throw new WhipError(404, 'there is no such session any more');
    }
    return session;
  }

  #forgetEnded(): void {
    for (const [id, session] of this.#sessions) {
      if (session.hasEnded) this.#sessions.delete(id);
    }
  }

  async #inTime(session: Session, answer: Promise<string>): Promise<string> {
    const { answerTimeoutMs = ANSWER_MS } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const text = `no answer within ${answerTimeoutMs / 1000} s`;
        session.fail(text);
        reject(new WhipError(504, `${text}, try again`, 2));
      }, answerTimeoutMs);
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
      answer.catch(() => {});
    }
  }
}

/** What a sender is told. Whatever else is wrong is for who calls. */
function shown(error: unknown): unknown {
  if (error instanceof IngressRefusedError) return new WhipError(503, error.message, 5);
  if (error instanceof IngressGoneError) return new WhipError(404, error.message);
  if (error instanceof RoomError) {
    return error.code === 'resource_exhausted'
      ? new WhipError(403, error.message)
      : new WhipError(503, error.message, 2);
  }
  return error;
}
