import {
  DisconnectReason,
  type ICEServer,
  LeaveRequest_Action,
  type Room as RoomInfo,
  type ServerInfo,
} from '@livekit/protocol';
import type { Logger } from 'pino';
import type { DataKind } from '../media/data/data-kinds';
import type { RoomMedia } from '../media/room-media';
import type { AgentDispatches } from './agent-dispatches';
import type { ConnectionQualityReporter } from './connection-quality';
import type { DataTracks } from './data/data-tracks';
import type { RoomData } from './data/room-data';
import type { ExpectedParticipant, ExpectedParticipants } from './expected-participants';
import type { Grants } from './grants';
import type { RoomFacts, RoomHandover } from './handover';
import type { JoinOptions, Participant } from './participant';
import { RoomEntry } from './room-entry';
import { RoomGate } from './room-gate';
import { roomInfo } from './room-info';
import { RoomMembers } from './room-members';
import { RoomNews } from './room-news';
import { createRoomParts } from './room-parts';
import type { RoomSettings } from './room-settings';
import { RoomState } from './room-state';
import { RoomTaps } from './room-taps';
import type { RoomTracks } from './room-tracks';
import type { RoomDependencies, RoomEnd, RoomOptions } from './room-types';
import type { SignalSink } from './signal-sink';
import type { Speakers } from './speakers';

/** How often connection quality is rated, in ms. */
const QUALITY_MS = 5000;

/** One Room: who is in it, what they publish and receive, and when it ends. */
export class Room {
  readonly name: string;
  readonly tracks: RoomTracks;
  /** Those who record it. */
  readonly taps: RoomTaps;
  readonly data: RoomData<Participant>;
  readonly dataTracks: DataTracks<Participant>;
  readonly speakers: Speakers;
  readonly quality: ConnectionQualityReporter;
  readonly settings: RoomSettings;
  readonly log: Logger;
  readonly #state: RoomState;
  readonly #deps: RoomDependencies;
  readonly #gate = new RoomGate();
  readonly #members: RoomMembers;
  readonly #entry: RoomEntry;
  readonly #news: RoomNews;
  readonly #qualityTimer: NodeJS.Timeout;
  #closed = false;

  /** @param facts - of the Room that this one goes on as. */
  constructor(options: RoomOptions, deps: RoomDependencies, facts?: RoomFacts) {
    const state = new RoomState(options, this, deps, facts);
    const gate = this.#gate;
    const news = new RoomNews({ info: () => this.info(), recipients: () => this.reachable() });
    this.#state = state;
    this.#deps = deps;
    this.#news = news;
    this.name = options.name;
    this.settings = deps.settings;
    this.log = deps.log.child({ room: options.name, roomSid: this.sid });
    const members = new RoomMembers({ room: this, deps, gate, news });
    this.#members = members;
    this.#entry = new RoomEntry({ room: this, deps, state, members, gate, news });
    const parts = createRoomParts(deps, this.log, () => this.participants.values());
    this.speakers = parts.speakers;
    this.quality = parts.quality;
    this.tracks = parts.tracks;
    this.taps = new RoomTaps({ room: this, members, onRecording: () => news.now() });
    this.data = parts.data;
    this.dataTracks = parts.dataTracks;
    deps.media.onAudioLevels((levels) => this.speakers.report(levels));
    deps.media.onWorkerDied(() => deps.onLost(this));
    this.#qualityTimer = setInterval(() => this.quality.report(), QUALITY_MS);
    deps.observer[facts ? 'roomArrived' : 'roomStarted']?.(this.info());
    deps.onFactsChanged(this);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** It is on its way to another node, or stays: nothing changes until that is known. */
  get isFrozen(): boolean {
    return this.#gate.isFrozen;
  }

  get sid(): string {
    return this.#state.sid;
  }

  /** ms since 1970 */
  get createdMs(): number {
    return this.#state.createdMs;
  }

  get syncStreams(): boolean {
    return this.#state.options.syncStreams;
  }

  get metadata(): string {
    return this.#state.options.metadata;
  }

  get participants(): ReadonlyMap<string, Participant> {
    return this.#members.participants;
  }

  /** Who is on the way back to it. */
  get expected(): ExpectedParticipants {
    return this.#members.expected;
  }

  get media(): RoomMedia {
    return this.#deps.media;
  }

  get serverInfo(): ServerInfo {
    return this.#deps.serverInfo;
  }

  /** Which agents it is to have. */
  get dispatches(): AgentDispatches {
    return this.#state.dispatches;
  }

  /** What outlives this node. */
  facts(): RoomFacts {
    return this.#state.facts();
  }

  reachable(): Participant[] {
    return this.#members.reachable();
  }

  info(): RoomInfo {
    return roomInfo(this, this.#state.options, this.#members.all());
  }

  /** @throws RoomError where the Room is full. */
  checkCapacity(grants: Grants): void {
    this.#members.checkCapacity(grants, this.#state.options.maxParticipants);
  }

  /**
   * Lets a client in, in place of one of the same identity, or as the one that is expected.
   *
   * @param onAdmitted - called after the join response, before anything of the client is needed.
   * @throws RoomError where the Room is full or closed.
   * @throws RoomElsewhereError where it has moved to another node, perhaps while this was waiting.
   */
  join(
    grants: Grants,
    join: JoinOptions,
    sink: SignalSink,
    onAdmitted: (participant: Participant) => void,
  ): Promise<Participant> {
    return this.#entry.join(grants, join, sink, onAdmitted);
  }

  /**
   * Resolves when it is known whether the Room stays; at once where it is not frozen.
   *
   * @throws RoomElsewhereError where it has moved to another node.
   */
  async settled(): Promise<void> {
    if (this.#gate.isFrozen || this.#gate.hasDeparted) {
      await this.#gate.passed();
    }
  }

  /**
   * Holds whatever would change the Room, which is about to move: until `unfreeze` or `depart`, one
   * of which has to follow. Resolves when joins that are under way are done.
   */
  freeze(): Promise<void> {
    return this.#gate.freeze();
  }

  /** The Room stays: what was held goes on. Idempotent. */
  unfreeze(): void {
    this.#gate.thaw();
  }

  /** Tells others, and itself, of a participant as it is now. */
  broadcast(participant: Participant, immediate = false): void {
    this.taps.changed();
    if (participant.reachable) {
      this.#members.updates.push(participant, immediate);
    }
  }

  /** Everybody, itself included, and who has left lately, to a client that has resumed. */
  sendParticipants(to: Participant): void {
    this.#members.sendAll(to);
  }

  /** What is to be recorded of it, sealed; undefined: nothing. */
  get autoEgress(): string | undefined {
    return this.#state.options.autoEgress;
  }

  iceServers(participant: Pick<Participant, 'sid'>): ICEServer[] {
    return this.#deps.iceServers(participant);
  }

  /** Takes over what a later request for the same Room says; what it leaves out stays. */
  update(request: Partial<Omit<RoomOptions, 'name'>>): void {
    this.#state.update(request);
    if (request.metadata && request.metadata !== this.metadata) {
      this.setMetadata(request.metadata);
    }
    this.#deps.onFactsChanged(this);
  }

  setMetadata(metadata: string): void {
    this.#state.setMetadata(metadata);
    this.#news.now();
    this.#deps.onFactsChanged(this);
  }

  /**
   * Ends a participant's stay. Idempotent.
   *
   * @param action - what its client is told to do next; undefined says nothing to it.
   */
  remove(participant: Participant, reason: DisconnectReason, action?: LeaveRequest_Action): void {
    this.#members.remove(participant, reason, action);
  }

  /** Somebody who is expected is so no more. */
  removeExpected(expected: ExpectedParticipant, reason: DisconnectReason): void {
    this.#members.removeExpected(expected, reason);
  }

  /** Sends a participant on another way to the same Room: it is expected, and has not left. */
  sendAway(participant: Participant): void {
    if (!this.#closed) {
      this.#members.sendAway(participant);
    }
  }

  /** Takes over who was in the Room where it was before. */
  adopt(handover: RoomHandover): void {
    const { facts } = handover;
    if (facts.sid !== this.sid) {
      this.log.warn({ before: facts.sid }, 'clients were here before the word of what the room is');
    }
    const { metadata } = this;
    this.#state.takeOver(facts);
    this.#members.adopt(handover);
    if (metadata !== facts.metadata) {
      this.#news.now();
    }
    this.#deps.onFactsChanged(this);
  }

  /** Tells others of one that is expected, and has been changed. */
  expectedChanged(expected: ExpectedParticipant): void {
    this.#members.expectedChanged(expected);
  }

  /** Gives those up who did not come back in time, and closes a Room that is empty for too long. */
  closeIfIdle(): void {
    if (!this.#closed && !this.isFrozen && this.#members.isIdle(this.#state)) {
      this.close(DisconnectReason.ROOM_CLOSED);
    }
  }

  /**
   * Ends the Room for everybody in it. Idempotent.
   *
   * @param end - whether it has ended for good. @default finished
   */
  close(
    reason: DisconnectReason,
    action = LeaveRequest_Action.DISCONNECT,
    end: Exclude<RoomEnd, 'departed'> = 'finished',
  ): void {
    if (this.#closed) {
      return;
    }
    this.#stop();
    this.#gate.end();
    this.taps.end(end === 'finished' ? 'finished' : 'moved');
    this.#members.removeAll(reason, action);
    this.#endMedia();
    this.#deps.observer[end === 'finished' ? 'roomFinished' : 'roomDeparted']?.(this.info());
    this.#deps.onClosed(this, end);
  }

  /**
   * Sends everybody to where the Room goes on, and closes it here without a word of anybody's
   * leave. Idempotent.
   */
  depart(reason = DisconnectReason.MIGRATION): void {
    if (this.#closed) {
      return;
    }
    this.#stop();
    this.#gate.depart();
    this.taps.end('moved');
    this.#members.depart(reason);
    this.#endMedia();
    this.#deps.observer.roomDeparted?.(this.info());
    this.#deps.onClosed(this, 'departed');
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

  /** A participant's media is up for the first time. */
  activated(participant: Participant): void {
    this.#entry.activated(participant);
  }

  /** Whether it is recorded is for everybody to know at once. */
  recordingChanged({ permission }: Pick<Participant, 'permission'>): void {
    if (permission.recorder && !this.#closed) {
      this.#news.now();
    }
  }

  #stop(): void {
    this.#closed = true;
    clearInterval(this.#qualityTimer);
    this.#news.close();
    this.#members.updates.close();
    this.speakers.close();
  }

  #endMedia(): void {
    this.tracks.close();
    this.data.close();
    this.media.close();
  }
}
