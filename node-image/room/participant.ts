import {
  type AddTrackRequest,
  type ClientInfo,
  DisconnectReason,
  ParticipantInfo,
  type ParticipantInfo_Kind,
  type ParticipantInfo_KindDetail,
  ParticipantInfo_State,
  type ParticipantPermission,
  SessionDescription,
} from '@livekit/protocol';
import type { CandidateChoice } from '../media/transports';
import type { DataPeer } from './data/data-peer';
import type { DataTrackPeer } from './data/data-tracks';
import type { ExpectedParticipant } from './expected-participants';
import type { Grants } from './grants';
import { newId } from './ids';
import type { ParticipantConnections } from './participant-connections';
import { isAgentKind, isDependentKind, kindDetailsOf, kindOf } from './participant-kind';
import { mayPublish, permissionOf } from './permission';
import type { PublishedTrack } from './published-track';
import { Publishing } from './publishing';
import { OutgoingSignal, type SignalMessage, type SignalSink } from './signal-sink';
import type { Subscribing } from './subscribing';

/** How a client asked to join. Source: the query of /rtc. */
export interface JoinOptions {
  readonly autoSubscribe: boolean;
  readonly autoSubscribeDataTrack: boolean;
  readonly adaptiveStream: boolean;
  readonly client: ClientInfo;
  /** The protocols that the client is offered. */
  readonly candidates: CandidateChoice;
}

export interface ParticipantEvents {
  /** Something that others see has changed. */
  changed(participant: Participant, immediate: boolean): void;
  published(participant: Participant, track: PublishedTrack): void;
  codecAdded(participant: Participant, track: PublishedTrack): void;
  unpublished(participant: Participant, track: PublishedTrack): void;
}

/** The parts of a participant that exist once it has joined. */
export interface ParticipantParts {
  readonly connections: ParticipantConnections;
  readonly subscribing: Subscribing;
}

/** One client in a Room: who it is, what it may do, what it publishes, where it is reached. */
export class Participant implements DataPeer, DataTrackPeer {
  readonly sid = newId('PA_');
  readonly identity: string;
  readonly kind: ParticipantInfo_Kind;
  readonly client: ClientInfo;
  joinedAtMs: number;
  /** What it was when it was sent here, or sent away to come back. */
  returning: ExpectedParticipant | undefined;
  readonly publishing: Publishing;
  /** Which tracks of this participant others may have; undefined lets everybody have all. */
  trackPermissions: ReadonlyMap<string, 'all' | ReadonlySet<string>> | undefined;
  readonly autoSubscribeDataTracks: boolean;
  /** When its signal connection was lost last, in ms since 1970. */
  signalLostMs: number | undefined;
  /** Whether one more data message is within what it may send. */
  takesData: () => boolean = () => true;
  /** Called when its media is up for the first time. */
  whenActive: () => void = () => {};
  /** Called when its token has to say something else from now on. */
  claimsChanged: () => void = () => {};
  name: string;
  metadata: string;
  attributes: Record<string, string>;
  permission: ParticipantPermission;
  disconnectReason = DisconnectReason.UNKNOWN_REASON;
  dataTracks: () => ParticipantInfo['dataTracks'] = () => [];
  readonly #events: ParticipantEvents;
  readonly #kindDetails: readonly ParticipantInfo_KindDetail[];
  #grants: Grants;
  #parts: ParticipantParts | undefined;
  #sink: SignalSink | undefined;
  #state = ParticipantInfo_State.JOINING;
  #version = 0;

  constructor(options: {
    readonly grants: Grants;
    readonly join: JoinOptions;
    readonly nowMs: number;
    /** It comes back: what it was wins over what its token says. */
    readonly returning?: ExpectedParticipant | undefined;
    /** Mime types that it may publish. @default all */
    readonly enabledCodecs?: readonly string[];
    readonly events: ParticipantEvents;
  }) {
    const { join, events, returning } = options;
    const grants = returning?.grants ?? options.grants;
    this.identity = grants.identity;
    this.kind = kindOf(grants.kind);
    this.#kindDetails = kindDetailsOf(grants.kindDetails);
    this.name = grants.name;
    this.metadata = grants.metadata;
    this.attributes = { ...grants.attributes };
    this.permission = permissionOf(grants.video);
    this.client = join.client;
    this.autoSubscribeDataTracks = join.autoSubscribeDataTrack;
    this.joinedAtMs = options.nowMs;
    this.#grants = options.grants;
    this.#events = events;
    this.publishing = new Publishing({
      participantSid: this.sid,
      enabledCodecs: options.enabledCodecs,
      connection: () => this.parts.connections.publisher,
      mayPublish: (request: AddTrackRequest) => mayPublish(this.permission, request.source),
      send: (message) => this.send(message),
      onPublished: (track) => this.#events.published(this, track),
      onCodecAdded: (track) => this.#events.codecAdded(this, track),
      onUnpublished: (track) => this.#events.unpublished(this, track),
    });
    if (returning !== undefined) {
      this.becomeAsBefore(returning);
    }
  }

  get grants(): Grants {
    return this.#grants;
  }

  get state(): ParticipantInfo_State {
    return this.#state;
  }

  get closed(): boolean {
    return this.#state === ParticipantInfo_State.DISCONNECTED;
  }

  /** Whether observers have been told that it joined. */
  get isAnnounced(): boolean {
    return (
      this.#state === ParticipantInfo_State.ACTIVE ||
      (this.#state === ParticipantInfo_State.JOINED && this.returning?.isAnnounced === true)
    );
  }

  get hidden(): boolean {
    return this.permission.hidden;
  }

  /** A program that serves the Room, for which alone the Room does not stay open. */
  get dependent(): boolean {
    return isDependentKind(this.kind) || this.permission.recorder || this.permission.agent;
  }

  /** An agent by its kind or by its grant. */
  get isAgent(): boolean {
    return isAgentKind(this.kind) || this.permission.agent;
  }

  /** Whether its signal connection is open now. */
  get isConnected(): boolean {
    return this.#sink !== undefined;
  }

  get canPublishData(): boolean {
    return this.permission.canPublishData;
  }

  get canSubscribeMetrics(): boolean {
    return this.permission.canSubscribeMetrics;
  }

  get canSubscribe(): boolean {
    return this.permission.canSubscribe;
  }

  /** Whether a subscriber may have one of its tracks, by its own word. */
  permitsTrack(trackSid: string, subscriber: Participant): boolean {
    const permissions = this.trackPermissions;
    if (permissions === undefined || subscriber.permission.recorder) {
      return true;
    }
    const given = permissions.get(subscriber.identity) ?? permissions.get(subscriber.sid);
    return given === 'all' || (given?.has(trackSid) ?? false);
  }

  /** Whether anything of the participant with this sid goes to this one. */
  isSubscribedTo(sid: string): boolean {
    return this.reachable && this.parts.subscribing.receivesFrom(sid);
  }

  get isPublisher(): boolean {
    return (
      this.permission.canPublish &&
      (this.publishing.tracks.size > 0 || this.dataTracks().length > 0)
    );
  }

  /** @throws Error before the participant has joined. */
  get parts(): ParticipantParts {
    if (this.#parts === undefined) {
      throw new Error(`participant ${this.identity} has not joined yet`);
    }
    return this.#parts;
  }

  /** Whether others may talk to it: it has its join response, and is not gone. */
  get reachable(): boolean {
    return this.#parts !== undefined && !this.closed;
  }

  /** The tracks that go to it. */
  received(): PublishedTrack[] {
    const subscriptions = this.#parts?.subscribing.subscriptions.values() ?? [];
    return [...subscriptions].map(({ track }) => track);
  }

  attach(parts: ParticipantParts): void {
    this.#parts = parts;
    this.#state = ParticipantInfo_State.JOINED;
  }

  setActive(): void {
    if (this.#state === ParticipantInfo_State.JOINED) {
      this.#state = ParticipantInfo_State.ACTIVE;
      this.touch();
      this.whenActive();
    }
  }

  /** Makes this the connection that messages go to. The one before is closed without a word. */
  attachSink(sink: SignalSink): void {
    const before = this.#sink;
    this.#sink = sink;
    if (before !== sink) {
      before?.close();
    }
  }

  /**
   * Forgets a connection that has closed.
   *
   * @returns false where another had taken its place.
   */
  dropSink(sink: SignalSink): boolean {
    if (this.#sink !== sink) {
      return false;
    }
    this.signalLostMs = Date.now();
    this.#sink = undefined;
    return true;
  }

  closeSink(): void {
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.close();
  }

  send(message: SignalMessage): void {
    this.#sink?.send(new OutgoingSignal(message));
  }

  /** Source: SessionDescription; `mid_to_track_id` says which track each section carries. */
  sendOffer(sdp: string, id: number, midToTrackId: Record<string, string>): void {
    this.send({
      case: 'offer',
      value: new SessionDescription({ type: 'offer', sdp, id, midToTrackId }),
    });
  }

  sendEncoded(signal: OutgoingSignal): void {
    this.#sink?.send(signal);
  }

  /** Something that others see has changed: they are told, with a higher version. */
  touch(immediate = false): void {
    this.#version += 1;
    this.#events.changed(this, immediate);
  }

  /** It is back: what it was wins over what its token says. */
  becomeAsBefore(returning: ExpectedParticipant): void {
    this.returning = returning;
    this.name = returning.name;
    this.metadata = returning.metadata;
    this.attributes = { ...returning.attributes };
    this.joinedAtMs = returning.joinedAtMs;
    // The key of the token that it came with has just been found good; the old one may be no more.
    const { apiKey } = this.#grants;
    this.setPermission(returning.permission.clone(), { ...returning.grants, apiKey });
  }

  setPermission(permission: ParticipantPermission, grants: Grants): void {
    this.permission = permission;
    this.#grants = grants;
  }

  /** What the participant shows to others, and to itself. */
  info(): ParticipantInfo {
    return new ParticipantInfo({
      sid: this.sid,
      identity: this.identity,
      state: this.#state,
      tracks: [...this.publishing.tracks.values()].map((track) => track.snapshot()),
      metadata: this.metadata,
      joinedAt: BigInt(Math.floor(this.joinedAtMs / 1000)),
      joinedAtMs: BigInt(this.joinedAtMs),
      name: this.name,
      version: this.#version,
      permission: this.permission.clone(),
      isPublisher: this.isPublisher,
      kind: this.kind,
      attributes: { ...this.attributes },
      disconnectReason: this.disconnectReason,
      kindDetails: [...this.#kindDetails],
      dataTracks: this.dataTracks(),
      clientProtocol: this.client.clientProtocol,
      capabilities: [...this.client.capabilities],
    });
  }

  close(reason: DisconnectReason): void {
    this.disconnectReason = reason;
    this.#state = ParticipantInfo_State.DISCONNECTED;
    this.#version += 1;
    this.#parts?.subscribing.close();
    this.publishing.close();
    this.#parts?.connections.close();
  }
}
