import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { DisconnectReason, LeaveRequest_Action } from '@livekit/protocol';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import { ELSEWHERE_HEADER, ELSEWHERE_STATUS } from '../api/cluster/link-requests';
import { answerOnSocket } from '../api/raw-answer';
import { RoomError } from '../room/errors';
import type { LocalRooms } from '../room/local-rooms';
import type { Participant } from '../room/participant';
import { resume } from '../room/resume';
import type { Room } from '../room/room';
import { RoomElsewhereError } from '../room/room-ownership';
import type { Simulations } from '../room/simulate';
import type { Metrics } from '../telemetry/metrics';
import { Handshake } from './handshake';
import type { JoinGate, PassedJoin } from './join-gate';
import { JoinError } from './join-validation';
import type { Sessions } from './sessions';

/** Such as while Redis is away, as Master Nodes say it, seconds. */
const UNAVAILABLE_RETRY_S = 2;
export interface RtcEndpointOptions {
  readonly gate: JoinGate;
  readonly rooms: LocalRooms;
  readonly sessions: Sessions;
  readonly simulations: Simulations;
  /** A Room that does not exist is made by the first who joins it. `room.auto_create`. */
  readonly autoCreate: boolean;
  /** The largest message of a client, in bytes. `limit.signal_message_size_limit`. */
  readonly maxMessageBytes: number;
  readonly metrics: JoinMetrics;
  /** Whether this node carries as much as `limit` lets it. */
  readonly isNodeFull: () => boolean;
  readonly log: Logger;
}

/** What is counted of joins. */
export type JoinMetrics = Pick<Metrics, 'joined' | 'joinLatency' | 'sessionStarted'>;

/** The WebSocket endpoint `/rtc`: lets clients join, and resume what they have joined. */
export class RtcEndpoint {
  readonly #options: RtcEndpointOptions;
  readonly #server: WebSocketServer;

  constructor(options: RtcEndpointOptions) {
    this.#options = options;
    this.#server = new WebSocketServer({
      noServer: true,
      maxPayload: options.maxMessageBytes,
      // Small messages gain nothing, and each connection would hold a compressor's memory.
      perMessageDeflate: false,
    });
  }

  /** What `GET /rtc/validate` answers: whether a join with these parameters would be let in. */
  async validate(request: IncomingMessage): Promise<{ status: number; text: string }> {
    let release: (() => void) | undefined;
    try {
      release = await this.#options.gate.begin(request);
      const passed = await this.#options.gate.check(request);
      await this.#checkRoom(passed);
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
    let release: (() => void) | undefined;
    try {
      release = await this.#options.gate.begin(request);
      const passed = await this.#options.gate.check(request);
      await this.#options.gate.count(passed);
      await this.#open(passed, request, socket, head);
    } catch (error) {
      const { status, message, retryAfterSeconds } = this.#asJoinError(error);
      if (status === ELSEWHERE_STATUS) {
        // No failure: the Master Node asks the right node next.
        answerOnSocket(socket, status, message, { [ELSEWHERE_HEADER]: '1' });
        return;
      }
      this.#options.metrics.joined(status < 500 ? 'signal_validation_failed' : 'signal_failed');
      answerOnSocket(
        socket,
        status,
        message,
        retryAfterSeconds === undefined ? {} : { 'Retry-After': String(retryAfterSeconds) },
      );
    } finally {
      release?.();
    }
  }

  close(): void {
    this.#server.close();
  }

  async #open(
    passed: PassedJoin,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): Promise<void> {
    if (passed.query.reconnect) {
      // Where the Room is about to move, the next node knows better.
      await this.#options.rooms.get(passed.room)?.settled();
      const found = this.#resumable(passed);
      const handshake = new Handshake(await this.#accept(request, socket, head), this.#options.log);
      await this.#resume(passed, found, handshake);
      return;
    }
    await this.#checkRoom(passed);
    const room = await this.#room(passed);
    room.checkCapacity(passed.grants);
    if (socket.destroyed) {
      return;
    }
    const handshake = new Handshake(await this.#accept(request, socket, head), this.#options.log);
    await this.#join(passed, room, handshake);
  }

  /**
   * @throws JoinError where the Room is not there and may not be made, RoomError where it is full,
   * RoomElsewhereError where it is another node's.
   */
  async #checkRoom({ room: name, grants }: PassedJoin): Promise<void> {
    const { rooms, autoCreate } = this.#options;
    const mayMake = autoCreate || grants.video.roomCreate === true;
    // A Room of this node need not be here yet, when its last node has only just died.
    const room = mayMake ? rooms.get(name) : await rooms.find(name);
    if (room === undefined && !mayMake) {
      throw new JoinError(404, 'requested room does not exist');
    }
    if (this.#options.isNodeFull()) {
      throw new JoinError(503, 'node has exceeded its configured limit');
    }
    room?.checkCapacity(grants);
  }

  async #room({ room: name, grants }: PassedJoin): Promise<Room> {
    const { rooms } = this.#options;
    const config = grants.roomConfig;
    const isHere = rooms.get(name) !== undefined;
    const room = await rooms.getOrCreate({
      name,
      preset: grants.roomPreset || config?.name,
      metadata: config?.metadata,
      emptyTimeout: config?.emptyTimeout,
      departureTimeout: config?.departureTimeout,
      maxParticipants: config?.maxParticipants,
      syncStreams: config?.syncStreams,
      agents: config?.agents,
      egress: config?.egress,
    });
    if (isHere && config !== undefined) {
      room.update(config);
    }
    return room;
  }

  async #join(passed: PassedJoin, room: Room, handshake: Handshake): Promise<void> {
    const { query, grants } = passed;
    const { metrics } = this.#options;
    const { protocol } = query.client;
    const startedMs = performance.now();
    metrics.joined('signal_connected');
    const join = {
      autoSubscribe: query.autoSubscribe,
      autoSubscribeDataTrack: query.autoSubscribeDataTrack,
      adaptiveStream: query.adaptiveStream,
      client: query.client,
      candidates: this.#options.simulations.takesTcp(passed.room, grants.identity)
        ? ('tcp' as const)
        : ('all' as const),
    };
    try {
      // A Room may close between the look at it and the join; the second one is new.
      const target = room.closed ? await this.#room(passed) : room;
      const participant = await target.join(grants, join, handshake.sink, (one) => {
        metrics.joined('rtc_init');
        metrics.joinLatency(protocol, performance.now() - startedMs);
        one.whenActive = () => {
          metrics.joined('rtc_active');
          metrics.sessionStarted(protocol, performance.now() - startedMs);
        };
        handshake.serve(this.#options.sessions.start(target, one, passed.token));
      });
      this.#options.log.info(
        { room: room.name, participant: participant.identity, sid: participant.sid },
        'participant joined',
      );
    } catch (error) {
      if (error instanceof RoomElsewhereError) {
        // It moved after its handshake was accepted: the client follows it.
        handshake.leave(DisconnectReason.MIGRATION, LeaveRequest_Action.RECONNECT);
        return;
      }
      this.#options.log.info({ err: error, room: room.name }, 'a join failed');
      handshake.leave(DisconnectReason.JOIN_FAILURE, LeaveRequest_Action.DISCONNECT);
    }
  }

  #resumable({
    room: name,
    grants,
    query,
  }: PassedJoin): { room: Room; participant: Participant } | undefined {
    const room = this.#options.rooms.get(name);
    const participant = room?.participants.get(grants.identity);
    const sidFits = query.participantSid === '' || participant?.sid === query.participantSid;
    return room !== undefined && participant?.reachable && sidFits
      ? { room, participant }
      : undefined;
  }

  async #resume(
    passed: PassedJoin,
    found: { room: Room; participant: Participant } | undefined,
    handshake: Handshake,
  ): Promise<void> {
    const session = found && this.#options.sessions.get(found.participant);
    if (found === undefined || session === undefined || found.participant.closed) {
      // Not an HTTP error: the client is to join anew at once, and does so on this message.
      handshake.leave(DisconnectReason.STATE_MISMATCH, LeaveRequest_Action.RECONNECT);
      return;
    }
    const { room, participant } = found;
    const cut = this.#options.simulations.takeCut(participant);
    if (cut === 'before') {
      handshake.sink.close();
      return;
    }
    this.#options.log.info(
      { room: passed.room, participant: participant.identity },
      'participant resumed',
    );
    try {
      await resume(room, participant, handshake.sink);
    } catch (error) {
      // Its transports have gone meanwhile, and an HTTP answer would be no frame to it.
      this.#options.log.info({ err: error, room: room.name }, 'a resume failed');
      handshake.leave(DisconnectReason.STATE_MISMATCH, LeaveRequest_Action.RECONNECT);
      return;
    }
    handshake.serve(session);
    if (cut === 'after') {
      participant.closeSink();
    }
  }

  #accept(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<WebSocket> {
    return new Promise((resolve, reject) => {
      // Also where the library refuses the handshake, which it answers by itself.
      socket.once('close', () => reject(new JoinError(400, 'the client closed the connection')));
      this.#server.handleUpgrade(request, socket, head, resolve);
    });
  }

  #asJoinError(error: unknown): JoinError {
    if (error instanceof JoinError) {
      return error;
    }
    if (error instanceof RoomElsewhereError) {
      return new JoinError(ELSEWHERE_STATUS, error.message);
    }
    if (error instanceof RoomError) {
      // A full room is final for a client: any other status makes it try for most of a minute.
      return error.code === 'resource_exhausted'
        ? new JoinError(403, error.message)
        : new JoinError(503, error.message, UNAVAILABLE_RETRY_S);
    }
    this.#options.log.error({ err: error }, 'a handshake failed');
    return new JoinError(500, 'internal error');
  }
}
