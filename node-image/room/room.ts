import {
  DisconnectReason,
  type ICEServer,
  LeaveRequest_Action,
  ParticipantInfo_State,
  type Room as RoomInfo,
  type ServerInfo,
} from '@livekit/protocol';
import type { Logger } from 'pino';
import type { DataKind } from '../media/data/data-kinds';
import type { RoomMedia } from '../media/room-media';
import type { ConnectionQualityReporter } from './connection-quality';
import type { DataTracks } from './data/data-tracks';
import type { RoomData } from './data/room-data';
import { Departures } from './departures';
import { RoomError } from './errors';
import type { Grants } from './grants';
import { newId } from './ids';
import { joinResponse, newSifTrailer } from './join-response';
import { leaveRequest } from './leave';
import { type JoinOptions, Participant } from './participant';
import { connectParticipant } from './participant-entry';
import { participantEvents } from './participant-events';
import { isDependent } from './participant-kind';
import { ParticipantUpdates } from './participant-updates';
import { roomInfo } from './room-info';
import { RoomNews } from './room-news';
import { createRoomParts } from './room-parts';
import type { RoomSettings } from './room-settings';
import type { RoomTracks } from './room-tracks';
import type { RoomDependencies, RoomOptions } from './room-types';
import type { SignalSink } from './signal-sink';
import type { Speakers } from './speakers';

/** How often connection quality is rated, in ms. */
const QUALITY_MS = 5000;

/** One Room: who is in it, what they publish and receive, and when it ends. */
export class Room {
  readonly sid = newId('RM_');
  readonly name: string;
  readonly createdMs: number;
  readonly tracks: RoomTracks;
  readonly data: RoomData<Participant>;
  readonly dataTracks: DataTracks<Participant>;
  readonly speakers: Speakers;
  readonly quality: ConnectionQualityReporter;
  readonly settings: RoomSettings;
  readonly log: Logger;
  #options: RoomOptions;
  readonly #deps: RoomDependencies;
  readonly #participants = new Map<string, Participant>();
  readonly #updates: ParticipantUpdates;
  readonly #departures: Departures;
  readonly #news: RoomNews;
  readonly #sifTrailer = newSifTrailer();
  readonly #joinTimers = new Map<string, NodeJS.Timeout>();
  readonly #qualityTimer: NodeJS.Timeout;
  #metadata: string;
  #everJoined = false;
  #emptySinceMs: number;
  #closed = false;

  constructor(options: RoomOptions, deps: RoomDependencies) {
    this.#options = options;
    this.#deps = deps;
    this.name = options.name;
    this.#metadata = options.metadata;
    this.createdMs = deps.now();
    this.#emptySinceMs = this.createdMs;
    this.#departures = new Departures(deps.now);
    this.#news = new RoomNews({ info: () => this.info(), recipients: () => this.reachable() });
    this.settings = deps.settings;
    this.log = deps.log.child({ room: options.name, roomSid: this.sid });
    const participants = (): Iterable<Participant> => this.#participants.values();
    this.#updates = new ParticipantUpdates({
      recipients: participants,
      batchBytes: deps.settings.updateBatchBytes,
      now: deps.now,
    });
    const parts = createRoomParts(deps, this.log, participants);
    this.speakers = parts.speakers;
    this.quality = parts.quality;
    this.tracks = parts.tracks;
    this.data = parts.data;
    this.dataTracks = parts.dataTracks;
    deps.media.onAudioLevels((levels) => this.speakers.report(levels));
    deps.media.onWorkerDied(() => this.#workerDied());
    this.#qualityTimer = setInterval(() => this.quality.report(), QUALITY_MS);
    deps.observer.roomStarted?.(this.info());
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** What the Room is now, for another that takes its place. */
  get options(): RoomOptions {
    return { ...this.#options, metadata: this.#metadata };
  }

  get syncStreams(): boolean {
    return this.#options.syncStreams;
  }

  get metadata(): string {
    return this.#metadata;
  }

  get participants(): ReadonlyMap<string, Participant> {
    return this.#participants;
  }

  get media(): RoomMedia {
    return this.#deps.media;
  }

  get serverInfo(): ServerInfo {
    return this.#deps.serverInfo;
  }

  reachable(): Participant[] {
    return [...this.#participants.values()].filter((one) => one.reachable);
  }

  info(): RoomInfo {
    return roomInfo(this, this.#options, this.#participants.values());
  }

  /** @throws RoomError where the Room is full. */
  checkCapacity(grants: Grants): void {
    const { maxParticipants } = this.#options;
    const others = [...this.#participants.values()].filter(
      (one) => !one.dependent && one.identity !== grants.identity,
    );
    if (maxParticipants > 0 && !isDependent(grants) && others.length >= maxParticipants) {
      throw new RoomError('resource_exhausted', 'room has exceeded its max participants');
    }
  }

  /**
   * Lets a client in, in place of one of the same identity.
   *
   * @param onAdmitted - called after the join response, before anything of the client is needed.
   * @throws RoomError where the Room is full or closed.
   */
  async join(
    grants: Grants,
    join: JoinOptions,
    sink: SignalSink,
    onAdmitted: (participant: Participant) => void,
  ): Promise<Participant> {
    if (this.#closed) {
      throw new RoomError('unavailable', 'the room has just closed, join again');
    }
    this.checkCapacity(grants);
    const before = this.#participants.get(grants.identity);
    if (before !== undefined) {
      this.remove(before, DisconnectReason.DUPLICATE_IDENTITY, LeaveRequest_Action.DISCONNECT);
    }
    const participant = new Participant({
      grants,
      join,
      nowMs: this.#deps.now(),
      enabledCodecs: this.settings.enabledCodecs,
      events: participantEvents(this, this.#news, this.#deps.observer),
    });
    participant.attachSink(sink);
    participant.dataTracks = () => this.dataTracks.infos(participant);
    this.#participants.set(participant.identity, participant);
    try {
      await connectParticipant(this, participant, join, onAdmitted);
    } catch (error) {
      this.remove(participant, DisconnectReason.JOIN_FAILURE, LeaveRequest_Action.DISCONNECT);
      throw error;
    }
    return participant;
  }

  /** Tells others, and itself, of a participant as it is now. */
  broadcast(participant: Participant, immediate = false): void {
    if (participant.reachable) {
      this.#updates.push(participant, immediate);
    }
  }

  /** Everybody, itself included, and who has left lately, to a client that has resumed. */
  sendParticipants(to: Participant): void {
    const present = this.reachable().filter((one) => one === to || !one.hidden);
    const identities = new Set(present.map((one) => one.identity));
    const gone = this.#departures
      .since(to.signalLostMs ?? this.#deps.now())
      .filter((info) => !identities.has(info.identity));
    this.#updates.sendAll(to, [...gone, ...present.map((one) => one.info())]);
  }

  iceServers(participant: Participant): ICEServer[] {
    return this.#deps.iceServers(participant);
  }

  /** Takes over what a later request for the same Room says; what it leaves out stays. */
  update(request: Partial<Omit<RoomOptions, 'name'>>): void {
    const { emptyTimeout, departureTimeout, maxParticipants } = this.#options;
    this.#options = {
      ...this.#options,
      emptyTimeout: request.emptyTimeout || emptyTimeout,
      departureTimeout: request.departureTimeout || departureTimeout,
      maxParticipants: request.maxParticipants || maxParticipants,
    };
    if (request.metadata && request.metadata !== this.#metadata) {
      this.setMetadata(request.metadata);
    }
  }

  setMetadata(metadata: string): void {
    this.#metadata = metadata;
    this.#news.now();
  }

  /**
   * Ends a participant's stay. Idempotent.
   *
   * @param action - what its client is told to do next; undefined says nothing to it.
   */
  remove(participant: Participant, reason: DisconnectReason, action?: LeaveRequest_Action): void {
    if (participant.closed) {
      return;
    }
    if (action !== undefined) {
      participant.send({ case: 'leave', value: leaveRequest(reason, action) });
    }
    participant.closeSink();
    clearTimeout(this.#joinTimers.get(participant.sid));
    this.#joinTimers.delete(participant.sid);
    if (this.#participants.get(participant.identity) === participant) {
      this.#participants.delete(participant.identity);
    }
    const wasKnown = participant.state !== ParticipantInfo_State.JOINING;
    const wasActive = participant.state === ParticipantInfo_State.ACTIVE;
    const tracks = [...participant.publishing.tracks.values()];
    const received = participant.received();
    participant.close(reason);
    const info = participant.info();
    this.tracks.subscriberLeft(received);
    for (const track of received) {
      this.#deps.observer.trackUnsubscribed?.(track.info.type);
    }
    for (const track of tracks) {
      this.tracks.remove(track);
      this.#deps.observer.trackUnpublished?.(this.info(), info, track.snapshot());
    }
    this.data.peerLeft(participant);
    this.dataTracks.peerLeft(participant);
    this.speakers.forget(participant);
    this.quality.forget(participant);
    // Whoever replaces it carries the same identity: to others it never left.
    this.#updates.forget(participant.sid);
    if (reason !== DisconnectReason.DUPLICATE_IDENTITY && !participant.hidden && wasKnown) {
      this.#updates.push(participant, true);
      this.#departures.add(info);
    }
    this.#emptySinceMs = this.#deps.now();
    this.#news.soon();
    this.#recordingChanged(participant);
    const tell = wasActive ? 'participantLeft' : 'participantConnectionAborted';
    this.#deps.observer[tell]?.(this.info(), info);
    this.log.info(
      { participant: participant.identity, reason: DisconnectReason[reason] },
      'participant left',
    );
  }

  /** Closes a Room that has been empty for as long as it may. */
  closeIfIdle(): void {
    if (this.#closed || [...this.#participants.values()].some((one) => !one.dependent)) {
      return;
    }
    const timeout = this.#everJoined ? this.#options.departureTimeout : this.#options.emptyTimeout;
    if (this.#deps.now() - this.#emptySinceMs >= timeout * 1000) {
      this.close(DisconnectReason.ROOM_CLOSED);
    }
  }

  /** Ends the Room for everybody in it. Idempotent. */
  close(reason: DisconnectReason, action = LeaveRequest_Action.DISCONNECT): void {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    clearInterval(this.#qualityTimer);
    this.#news.close();
    this.#updates.close();
    this.speakers.close();
    for (const participant of [...this.#participants.values()]) {
      this.remove(participant, reason, action);
    }
    this.tracks.close();
    this.data.close();
    this.media.close();
    this.#deps.observer.roomFinished?.(this.info());
    this.#deps.onClosed(this, action === LeaveRequest_Action.RECONNECT);
  }

  /** Takes what a participant sent over a data channel. */
  receiveData(participant: Participant, kind: DataKind, payload: Buffer): void {
    if (!participant.closed && participant.takesData()) {
      if (kind === 'data_track') {
        this.dataTracks.receive(participant, payload);
      } else {
        this.data.receive(participant, kind, payload);
      }
    }
  }

  /** Somebody may do more or less than before. */
  permissionChanged(participant: Participant): void {
    this.dataTracks.permissionsChanged();
    participant.touch(true);
    participant.claimsChanged();
  }

  /** A participant's media is up for the first time. */
  activated(participant: Participant): void {
    clearTimeout(this.#joinTimers.get(participant.sid));
    this.#joinTimers.delete(participant.sid);
    participant.setActive();
    this.dataTracks.peerJoined(participant);
    this.#deps.observer.participantJoined?.(this.info(), participant.info());
  }

  /** A participant's connections exist: it is answered, and others hear of it. */
  admit(participant: Participant, subscriberPrimary: boolean): void {
    this.#everJoined ||= !participant.dependent;
    participant.send({
      case: 'join',
      value: joinResponse({
        participant,
        others: this.#participants.values(),
        room: this.info(),
        serverInfo: this.serverInfo,
        iceServers: this.iceServers(participant),
        subscriberPrimary,
        enabledCodecs: this.settings.enabledCodecs,
        sifTrailer: this.#sifTrailer,
      }),
    });
    // Not before its join response, which must be the first it hears.
    this.#recordingChanged(participant);
    const timer = setTimeout(
      () => this.remove(participant, DisconnectReason.JOIN_FAILURE, LeaveRequest_Action.DISCONNECT),
      this.settings.joinTimeoutMs,
    );
    this.#joinTimers.set(participant.sid, timer);
    participant.touch();
    this.#news.soon();
  }

  /** Whether a Room is recorded is for everybody to know at once. */
  #recordingChanged({ permission }: Participant): void {
    if (permission.recorder && !this.#closed) {
      this.#news.now();
    }
  }

  /** The worker is gone with all media: everybody is sent to join again, which another carries. */
  #workerDied(): void {
    this.log.error('the media worker of this room died; its participants join again');
    this.close(DisconnectReason.STATE_MISMATCH, LeaveRequest_Action.RECONNECT);
  }
}
