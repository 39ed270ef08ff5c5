import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { HttpAnswer } from '../../api/app';
import { ELSEWHERE_HEADER, ELSEWHERE_STATUS } from '../../api/cluster/link-requests';
import { answerOnSocket } from '../../api/raw-answer';
import {
  type LinkAnswer,
  type LinkClient,
  LinkError,
  type LinkUpgrade,
} from '../../cluster/link/link';
import { NoRouteError, type RoomRoutes, type RouteTarget } from '../../cluster/room-routes';
import type { Metrics } from '../../telemetry/metrics';
import type { JoinGate, PassedJoin } from '../join-gate';
import { JoinError } from '../join-validation';
import { ClientPipe, type ClientPipeOptions } from './client-pipe';
import { forwardedHeaders, forwardedPath, validateHeaders } from './forwarded';
import { HeldClient } from './held-client';

export interface EntryEndpointOptions {
  readonly gate: JoinGate;
  readonly routes: RoomRoutes;
  readonly link: LinkClient;
  /** A Room that does not exist is made by the first who joins it. `room.auto_create`. */
  readonly autoCreate: boolean;
  readonly metrics: Pick<Metrics, 'joined'>;
  readonly log: Logger;
  /** How long a client is held until a Media Node takes it, ms. @default 4500 */
  readonly holdMs?: number;
  /** How long one Media Node may take, ms. @default 4000 */
  readonly attemptMs?: number;
}

/** What a node said, and which one. */
interface Asked<T> {
  readonly target: RouteTarget;
  readonly answer: T;
}

/**
 * Rust clients wait 5 s for the answer to a handshake: a refusal that comes before that says more
 * than silence. Those that wait longer come again at once.
 */
const HOLD_MS = 4500;
/** Clients look before they come again, and lose that time. */
const VALIDATE_MS = 1000;
/** A client that comes while this Master Node ends goes to another one, in s. */
const ENDING_RETRY_S = 1;
const GAVE_UP_RETRY_S = 2;
/** In place of where a Room is: its client is held no longer. */
const OVER = 'over' as const;
/**
 * A handshake that takes longer, in ms, waits for a node and costs nothing but memory: it gives its
 * place among those that are worked on to others. So many at a time.
 */
const WORK_MS = 1000;
const MAX_WAITING = 4000;
/** Between two attempts at least, in ms, however fast they fail. */
const MIN_PAUSE_MS = 20;

/**
 * The WebSocket endpoint `/rtc` of a Master Node: holds a client until the Media Node of its Room
 * has taken it, and carries the bytes from then on.
 */
export class EntryEndpoint {
  readonly #options: EntryEndpointOptions;
  readonly #pipes = new Set<ClientPipe>();
  /** Rooms and nodes being looked after because the node broke off. */
  readonly #losses = new Map<string, Promise<boolean>>();
  readonly #ending = new AbortController();
  #allClosed: (() => void) | undefined;
  #closing: Promise<void> | undefined;
  #held = 0;
  /** Of those held, the ones that have given their place to others. */
  #waiting = 0;

  constructor(options: EntryEndpointOptions) {
    this.#options = options;
  }

  /** Clients now: those that a Media Node has, and those that wait for one. */
  get clients(): { readonly passed: number; readonly held: number } {
    return { passed: this.#pipes.size, held: this.#held };
  }

  /** What `GET /rtc/validate` answers: whether a join with these parameters would be let in. */
  async validate(request: IncomingMessage): Promise<HttpAnswer> {
    let release: (() => void) | undefined;
    try {
      // It costs others as much as a join does.
      release = await this.#options.gate.begin(request);
      const passed = await this.#options.gate.check(request);
      const asked = await this.#ask(
        passed.room,
        (ends) => this.#options.routes.find(passed.room, ends),
        (target, timeoutMs) =>
          this.#options.link.request(target.link, {
            method: 'GET',
            path: forwardedPath('/rtc/validate', request),
            headers: validateHeaders(request, passed.address),
            timeoutMs,
          }),
        this.#ending.signal,
        VALIDATE_MS,
      );
      if (asked !== undefined) {
        return { status: asked.answer.status, text: asked.answer.body.toString() };
      }
      this.#mayMake(passed);
      return { status: 200, text: 'success' };
    } catch (error) {
      const { status, message } = this.#asJoinError(error);
      return { status, text: message };
    } finally {
      release?.();
    }
  }

  /** Takes a handshake. Refusals are HTTP answers; nothing is thrown. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const client = new HeldClient(socket, head);
    let release: (() => void) | undefined;
    this.#held += 1;
    try {
      release = this.#soon(await this.#options.gate.begin(request));
      const passed = await this.#options.gate.check(request);
      await this.#options.gate.count(passed);
      await this.#forward(passed, request, client);
    } catch (error) {
      client.take();
      if (client.signal.aborted) {
        socket.destroy();
        return;
      }
      const { status, message, retryAfterSeconds } = this.#asJoinError(error);
      this.#options.metrics.joined(status < 500 ? 'signal_validation_failed' : 'signal_failed');
      answerOnSocket(socket, status, message, retryAfter(retryAfterSeconds));
    } finally {
      this.#held -= 1;
      release?.();
    }
  }

  /**
   * Ends all connections, spread over `overMs` so that the other Master Nodes do not get all
   * clients at once; media goes on meanwhile. Idempotent.
   *
   * @param overMs - @default 0
   */
  close({ overMs = 0 }: { readonly overMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(overMs);
    return this.#closing;
  }

  /**
   * Gives a place back after a while, at the latest at the end.
   *
   * @returns to be called at the end, once.
   */
  #soon(release: () => void): () => void {
    let waits = false;
    const timer = setTimeout(() => {
      if (this.#waiting >= MAX_WAITING) return;
      waits = true;
      this.#waiting += 1;
      release();
    }, WORK_MS);
    return () => {
      clearTimeout(timer);
      if (waits) this.#waiting -= 1;
      release();
    };
  }

  async #forward(passed: PassedJoin, request: IncomingMessage, client: HeldClient): Promise<void> {
    const { routes, link } = this.#options;
    const { room } = passed;
    const signal = AbortSignal.any([client.signal, this.#ending.signal]);
    const asked = await this.#ask(
      room,
      (ends) => (this.#isPlaced(passed) ? routes.findOrPlace(room, ends) : routes.find(room, ends)),
      (target, timeoutMs) =>
        link.upgrade(target.link, {
          path: forwardedPath('/rtc', request),
          rawHeaders: forwardedHeaders(request, passed.address),
          timeoutMs,
          signal,
        }),
      signal,
    );
    if (asked === undefined) {
      this.#mayMake(passed);
      throw new NoRouteError('the room has just ended, try again');
    }
    const { target, answer } = asked;
    const early = client.take();
    if ('status' in answer) {
      answerOnSocket(client.socket, answer.status, answer.body.toString(), passedOn(answer));
      return;
    }
    if (signal.aborted) {
      answer.socket.destroy();
      throw this.#givenUp();
    }
    this.#pipe(room, target, { client: client.socket, early, upgrade: answer });
  }

  /** By itself, so that what lasts as long as the connection keeps nothing of the handshake. */
  #pipe(
    room: string,
    target: RouteTarget,
    ends: Pick<ClientPipeOptions, 'client' | 'early' | 'upgrade'>,
  ): void {
    const pipe = new ClientPipe({
      ...ends,
      isNodeLost: () => this.#isLost(room, target),
      onClosed: () => {
        this.#pipes.delete(pipe);
        if (this.#pipes.size === 0) this.#allClosed?.();
      },
    });
    this.#pipes.add(pipe);
  }

  /**
   * Asks the node of a Room, and again where that one does not answer or no longer has it.
   *
   * @param find - its signal is aborted when it is not waited for any more.
   * @returns undefined where the Room is nowhere.
   * @throws JoinError, NoRouteError
   */
  async #ask<T extends LinkUpgrade | LinkAnswer>(
    room: string,
    find: (ends: AbortSignal) => Promise<RouteTarget | undefined>,
    ask: (target: RouteTarget, timeoutMs: number) => Promise<T>,
    signal: AbortSignal,
    holdMs = this.#options.holdMs ?? HOLD_MS,
  ): Promise<Asked<T> | undefined> {
    const { routes, log, attemptMs = 4000 } = this.#options;
    const untilMs = performance.now() + holdMs;
    const done = new AbortController();
    const ends = AbortSignal.any([signal, done.signal]);
    const over = sleep(holdMs, OVER, { signal: ends }).catch(() => OVER);
    try {
      for (;;) {
        const target = await Promise.race([over, find(ends)]);
        const leftMs = untilMs - performance.now();
        if (target === OVER || signal.aborted || leftMs <= 0) throw this.#givenUp();
        if (target === undefined) return undefined;
        const asked = await this.#askOnce(() => ask(target, Math.min(leftMs, attemptMs)));
        if ('answer' in asked) return { target, answer: asked.answer };
        if (signal.aborted) throw this.#givenUp();
        log.debug({ room, node: target.nodeId, why: asked.why }, 'a Media Node took no client');
        await Promise.all([routes.failed(room, target, asked.why), sleep(MIN_PAUSE_MS)]);
      }
    } finally {
      done.abort();
    }
  }

  /** @returns the answer, or why another attempt makes sense. */
  async #askOnce<T extends LinkUpgrade | LinkAnswer>(
    ask: () => Promise<T>,
  ): Promise<{ readonly answer: T } | { readonly why: LinkError | 'elsewhere' }> {
    try {
      const answer = await ask();
      return isElsewhere(answer) ? { why: 'elsewhere' } : { answer };
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      return { why: error };
    }
  }

  /** Who resumes joins anew in the next moment, and the node of the Room tells it to. */
  #isPlaced({ grants, query }: PassedJoin): boolean {
    return query.reconnect || this.#options.autoCreate || grants.video.roomCreate === true;
  }

  /** @throws JoinError where a Room that is nowhere may not be made. */
  #mayMake({ grants }: PassedJoin): void {
    if (!this.#options.autoCreate && !grants.video.roomCreate) {
      throw new JoinError(404, 'requested room does not exist');
    }
  }

  /** Asked once for all clients of a Room. */
  #isLost(room: string, target: RouteTarget): Promise<boolean> {
    const key = `${target.nodeId} ${room}`;
    const running = this.#losses.get(key);
    if (running !== undefined) return running;
    const answer = this.#askIfLost(room, target).finally(() => this.#losses.delete(key));
    this.#losses.set(key, answer);
    return answer;
  }

  async #askIfLost(room: string, target: RouteTarget): Promise<boolean> {
    const { routes, log } = this.#options;
    try {
      await routes.failed(room, target, new LinkError('reset', 'the node broke off a connection'));
      return !routes.all().some(({ nodeId }) => nodeId === target.nodeId);
    } catch (error) {
      log.warn({ err: error, node: target.nodeId }, 'cannot find out whether a node is lost');
      return false;
    }
  }

  #givenUp(): JoinError {
    return this.#ending.signal.aborted
      ? new JoinError(503, 'the Master Node is stopping, try again', ENDING_RETRY_S)
      : new JoinError(503, 'no Media Node takes the room, try again', GAVE_UP_RETRY_S);
  }

  #asJoinError(error: unknown): JoinError {
    if (error instanceof JoinError) return error;
    if (error instanceof NoRouteError) {
      return new JoinError(503, error.message, error.retryAfterSeconds);
    }
    if (error instanceof LinkError) return this.#givenUp();
    this.#options.log.error({ err: error }, 'a handshake failed');
    return new JoinError(500, 'internal error');
  }

  async #close(overMs: number): Promise<void> {
    this.#ending.abort();
    const pipes = [...this.#pipes];
    const closed = new Promise<void>((resolve) => {
      this.#allClosed = resolve;
    });
    const timers = pipes.map((pipe, index) =>
      setTimeout(() => pipe.leave(), (overMs * index) / pipes.length),
    );
    if (this.#pipes.size > 0) await closed;
    for (const timer of timers) clearTimeout(timer);
  }
}

const isElsewhere = (answer: LinkUpgrade | LinkAnswer): boolean =>
  'status' in answer &&
  (answer.status === ELSEWHERE_STATUS || answer.headers[ELSEWHERE_HEADER] !== undefined);

const passedOn = ({ headers }: LinkAnswer): Record<string, string> =>
  typeof headers['retry-after'] === 'string' ? { 'Retry-After': headers['retry-after'] } : {};

const retryAfter = (seconds: number | undefined): Record<string, string> =>
  seconds === undefined ? {} : { 'Retry-After': String(seconds) };
