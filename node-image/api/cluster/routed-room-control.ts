import type { Message } from '@bufbuild/protobuf';
import {
  type AgentDispatch,
  type CreateRoomRequest,
  type DeleteAgentDispatchRequest,
  type DeleteRoomRequest,
  type Job,
  ListAgentDispatchRequest,
  ListParticipantsRequest,
  type ListRoomsRequest,
  type MuteRoomTrackRequest,
  type ParticipantInfo,
  type PerformRpcRequest,
  type Room,
  type RoomParticipantIdentity,
  type SendDataRequest,
  type TrackInfo,
  type UpdateParticipantRequest,
  type UpdateRoomMetadataRequest,
  type UpdateSubscriptionsRequest,
} from '@livekit/protocol';
import type { Logger } from 'pino';
import { type LinkClient, LinkError } from '../../cluster/link/link';
import { NoRouteError, type RoomRoutes, type RouteTarget } from '../../cluster/room-routes';
import { RoomError } from '../../room/errors';
import type { RoomControl } from '../../room/room-control';
import { RoomElsewhereError } from '../../room/room-ownership';
import { callNode } from './control-call';
import { CONTROL_METHODS, type ControlMethod } from './control-methods';
import { listRoomsOfNodes } from './list-rooms';

export interface RoutedRoomControlOptions {
  readonly routes: RoomRoutes;
  readonly link: LinkClient;
  /**
   * How long a node may take to answer, ms; an RPC to a participant takes its response timeout
   * longer. A call is given up after three times that, however often it was tried.
   */
  readonly timeoutMs: number;
  readonly log: Pick<Logger, 'warn' | 'debug'>;
}

/** So often a call is tried: its node may be dead, then its Room moves, then moves on. */
const ATTEMPTS = 4;
/** Of `timeoutMs`, for all attempts. */
const PATIENCE = 3;
/** What setTimeout takes at most. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
/** On these nothing can have been carried out: the call never got there. */
const NEVER_ARRIVED: ReadonlySet<LinkError['reason']> = new Set(['refused', 'stranger']);

/**
 * The server API of a cluster: each call goes to the Media Node that the Room is on.
 *
 * A node that does not answer, or no longer hosts the Room, is told to `routes`, and the call is
 * made again where that is safe. Where the connection broke, or the answer did not come in time,
 * the call may have been carried out: SendData and PerformRpc, which participants would see twice,
 * then end in RoomError `unavailable`; all others set something to a value, or read, and are made
 * again. DeleteRoom and RemoveParticipant that find nothing on such a repetition have succeeded.
 *
 * Where no node can be found, calls reject with RoomError `unavailable`. Of a Room that runs
 * nowhere they say what a node without it says.
 */
export class RoutedRoomControl implements RoomControl {
  readonly #options: RoutedRoomControlOptions;

  constructor(options: RoutedRoomControlOptions) {
    this.#options = options;
  }

  createRoom(request: CreateRoomRequest): Promise<Room> {
    const { routes } = this.#options;
    return this.#call(CONTROL_METHODS.createRoom, request, (room) => routes.findOrPlace(room));
  }

  /** Of nodes that do not answer, the Rooms are left out: some beat none. The log names the nodes. */
  async listRooms(request: ListRoomsRequest): Promise<Room[]> {
    try {
      return await listRoomsOfNodes(this.#options, request);
    } catch (error) {
      throw shown(error);
    }
  }

  async deleteRoom(request: DeleteRoomRequest): Promise<void> {
    await this.#call(CONTROL_METHODS.deleteRoom, request);
  }

  async listParticipants(room: string): Promise<ParticipantInfo[]> {
    const request = new ListParticipantsRequest({ room });
    return (await this.#call(CONTROL_METHODS.listParticipants, request)).participants;
  }

  getParticipant(request: RoomParticipantIdentity): Promise<ParticipantInfo> {
    return this.#call(CONTROL_METHODS.getParticipant, request);
  }

  async removeParticipant(request: RoomParticipantIdentity): Promise<void> {
    await this.#call(CONTROL_METHODS.removeParticipant, request);
  }

  async mutePublishedTrack(request: MuteRoomTrackRequest): Promise<TrackInfo | undefined> {
    return (await this.#call(CONTROL_METHODS.mutePublishedTrack, request)).track;
  }

  updateParticipant(request: UpdateParticipantRequest): Promise<ParticipantInfo> {
    return this.#call(CONTROL_METHODS.updateParticipant, request);
  }

  async updateSubscriptions(request: UpdateSubscriptionsRequest): Promise<void> {
    await this.#call(CONTROL_METHODS.updateSubscriptions, request);
  }

  async sendData(request: SendDataRequest): Promise<void> {
    await this.#call(CONTROL_METHODS.sendData, request);
  }

  updateRoomMetadata(request: UpdateRoomMetadataRequest): Promise<Room> {
    return this.#call(CONTROL_METHODS.updateRoomMetadata, request);
  }

  async performRpc(request: PerformRpcRequest): Promise<string> {
    return (await this.#call(CONTROL_METHODS.performRpc, request)).payload;
  }

  createDispatch(dispatch: AgentDispatch): Promise<AgentDispatch> {
    return this.#call(CONTROL_METHODS.createDispatch, dispatch);
  }

  deleteDispatch(request: DeleteAgentDispatchRequest): Promise<AgentDispatch> {
    return this.#call(CONTROL_METHODS.deleteDispatch, request);
  }

  async listDispatch(request: ListAgentDispatchRequest): Promise<AgentDispatch[]> {
    return (await this.#call(CONTROL_METHODS.listDispatch, request)).agentDispatches;
  }

  async connectedAgents(room: string): Promise<Job[]> {
    const request = new ListAgentDispatchRequest({ room });
    return (await this.#call(CONTROL_METHODS.connectedAgents, request)).jobs;
  }

  async #call<I extends Message<I>, O extends Message<O>>(
    method: ControlMethod<I, O>,
    request: I,
    find = (room: string): Promise<RouteTarget | undefined> => this.#options.routes.find(room),
  ): Promise<O> {
    const room = method.room(request) ?? '';
    const giveUpAt = performance.now() + PATIENCE * this.#options.timeoutMs;
    let mayBeDone = false;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const target = await find(room);
        if (target === undefined) {
          return method.nowhere(request);
        }
        return await this.#callOnce(method, request, room, target);
      } catch (error) {
        if (mayBeDone && method.whenLost === 'again-gone' && isNotFound(error)) {
          return new method.output();
        }
        if (!(error instanceof NoAnswerError)) {
          throw shown(error);
        }
        mayBeDone ||= error.mayBeDone;
        const isLast = attempt === ATTEMPTS || performance.now() >= giveUpAt;
        if (isLast || (error.mayBeDone && method.whenLost === 'give-up')) {
          throw new RoomError('unavailable', textOf(method.name, mayBeDone));
        }
      }
    }
  }

  /** @throws NoAnswerError where the call can be made again by now, to whoever is found then. */
  async #callOnce<I extends Message<I>, O extends Message<O>>(
    method: ControlMethod<I, O>,
    request: I,
    room: string,
    target: RouteTarget,
  ): Promise<O> {
    const { link, routes, log, timeoutMs } = this.#options;
    const waitsMs = method.waitsMs?.(request) ?? 0;
    try {
      const limitMs = Math.min(MAX_TIMEOUT_MS, timeoutMs + waitsMs);
      return await callNode(link, target, method, request, limitMs);
    } catch (error) {
      const isElsewhere = error instanceof RoomElsewhereError;
      if (!isElsewhere && !(error instanceof LinkError)) {
        throw error;
      }
      const facts = { room, node: target.nodeId, method: method.name };
      if (isElsewhere) {
        // As it goes with each Room that moves.
        log.debug(facts, 'the node hosts this Room no more: the call is made again');
      } else {
        log.warn({ err: error, ...facts }, `${method.name} was not answered`);
      }
      await routes.failed(room, target, isElsewhere ? 'elsewhere' : error);
      throw new NoAnswerError(!isElsewhere && !NEVER_ARRIVED.has(error.reason));
    }
  }
}

class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';

  constructor(
    /** Whether it may have been carried out, for all that is known. */
    readonly mayBeDone: boolean,
  ) {
    super('no answer');
  }
}

const isNotFound = (error: unknown): boolean =>
  error instanceof RoomError && error.code === 'not_found';

/** The error as callers of RoomControl know it. */
const shown = (error: unknown): unknown =>
  error instanceof NoRouteError ? new RoomError('unavailable', error.message) : error;

const textOf = (name: string, mayBeDone: boolean): string =>
  mayBeDone
    ? `the Media Node of the Room did not answer: whether ${name} was carried out is not known`
    : `the Media Node of the Room could not be reached: ${name} was not carried out, try again`;
