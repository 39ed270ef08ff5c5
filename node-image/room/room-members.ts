import type { ParticipantInfo } from '@livekit/protocol';
import { DisconnectReason, LeaveRequest_Action, ParticipantInfo_State } from '@livekit/protocol';
import { Departures } from './departures';
import { RoomError } from './errors';
import { ExpectedParticipant, ExpectedParticipants } from './expected-participants';
import type { Grants } from './grants';
import type { RoomHandover } from './handover';
import { JoinTimers } from './join-timers';
import { leaveRequest } from './leave';
import type { Participant } from './participant';
import { isDependent } from './participant-kind';
import { ParticipantUpdates } from './participant-updates';
import type { Room } from './room';
import type { RoomGate } from './room-gate';
import { carry, receiveHandover } from './room-handover';
import { takeOut, triesAgain } from './room-leaving';
import type { RoomNews } from './room-news';
import type { RoomState } from './room-state';
import type { RoomDependencies } from './room-types';

export interface RoomMembersOptions {
  readonly room: Room;
  readonly deps: RoomDependencies;
  readonly gate: RoomGate;
  readonly news: RoomNews;
}

/** Who is in one Room, and on the way back to it; and how they leave. */
export class RoomMembers {
  readonly participants = new Map<string, Participant>();
  readonly expected = new ExpectedParticipants();
  readonly updates: ParticipantUpdates;
  /** Since when nobody may have been here, in ms. */
  emptySinceMs: number;
  readonly #options: RoomMembersOptions;
  readonly #departures: Departures;
  readonly #joinTimers = new JoinTimers();

  constructor(options: RoomMembersOptions) {
    const { now, settings } = options.deps;
    this.#options = options;
    this.emptySinceMs = now();
    this.#departures = new Departures(now);
    this.updates = new ParticipantUpdates({
      recipients: () => this.participants.values(),
      batchBytes: settings.updateBatchBytes,
      now,
    });
  }

  all(): (Participant | ExpectedParticipant)[] {
    const expected = this.expected
      .values()
      .filter(({ identity }) => !this.participants.has(identity));
    return [...this.participants.values(), ...expected];
  }

  reachable(): Participant[] {
    return [...this.participants.values()].filter((one) => one.reachable);
  }

  /** @throws RoomError where there are as many as may be. */
  checkCapacity(grants: Grants, maxParticipants: number): void {
    const others = this.all().filter((one) => !one.dependent && one.identity !== grants.identity);
    if (maxParticipants > 0 && !isDependent(grants) && others.length >= maxParticipants) {
      throw new RoomError('resource_exhausted', 'room has exceeded its max participants');
    }
  }

  /** One who was expected, perhaps, is here. Who is given up by now has come anew. */
  isBack(participant: Participant): void {
    const { returning } = participant;
    if (returning !== undefined) {
      participant.returning = undefined;
      if (this.expected.get(participant.identity) === returning) {
        this.expected.take(participant.identity);
        participant.becomeAsBefore(returning);
      }
    }
  }

  /** Everybody, itself included, and who has left lately, to a client that has resumed. */
  sendAll(to: Participant): void {
    const present = this.reachable().filter((one) => one === to || !one.hidden);
    const expected = this.expected.values().filter((one) => !one.hidden);
    const infos = [...present, ...expected].map((one) => one.info());
    const identities = new Set(infos.map((info) => info.identity));
    const gone = this.#departures
      .since(to.signalLostMs ?? this.#options.deps.now())
      .filter((info) => !identities.has(info.identity));
    this.updates.sendAll(to, [...gone, ...infos]);
  }

  /** Its media has to be up in time. */
  awaitMedia(participant: Participant): void {
    this.#joinTimers.start(participant, this.#options.deps.settings.joinTimeoutMs, () =>
      this.remove(participant, DisconnectReason.JOIN_FAILURE, LeaveRequest_Action.DISCONNECT),
    );
  }

  mediaIsUp(participant: Participant): void {
    this.#joinTimers.stop(participant);
  }

  /** As `Room.remove`. */
  remove(participant: Participant, reason: DisconnectReason, action?: LeaveRequest_Action): void {
    const { gate, room } = this.#options;
    if (participant.closed || gate.hold(() => this.remove(participant, reason, action))) {
      return;
    }
    const { isAnnounced, returning, state } = participant;
    const wasKnown = state !== ParticipantInfo_State.JOINING;
    const last = carry(participant);
    const info = this.#takeOut(participant, reason, action);
    // Whoever replaces it carries the same identity: to others it never left.
    const isReplaced = reason === DisconnectReason.DUPLICATE_IDENTITY;
    if (returning !== undefined && state !== ParticipantInfo_State.ACTIVE) {
      if (!wasKnown) {
        // As far as anybody knows it is still on its way.
        return;
      }
      if (!room.closed && (isReplaced || triesAgain(reason))) {
        this.expected.add(new ExpectedParticipant(last, returning.untilMs));
        return;
      }
    }
    this.#gone(info, !isReplaced && !participant.hidden && wasKnown, isAnnounced);
    room.recordingChanged(participant);
  }

  /** Somebody who is expected is so no more. Idempotent. */
  removeExpected(expected: ExpectedParticipant, reason: DisconnectReason): void {
    if (this.expected.get(expected.identity) !== expected) {
      return;
    }
    this.expected.take(expected.identity);
    this.#options.room.taps.changed();
    const connecting = this.participants.get(expected.identity);
    if (connecting?.returning === expected && !connecting.reachable) {
      this.remove(connecting, reason, LeaveRequest_Action.DISCONNECT);
    }
    const info = expected.info();
    info.state = ParticipantInfo_State.DISCONNECTED;
    info.disconnectReason = reason;
    info.version += 1;
    this.#gone(info, !expected.hidden, expected.isAnnounced);
    this.#options.room.recordingChanged(expected);
  }

  /** Gives those up who did not come back in time. @returns whether nobody was here for too long. */
  isIdle({ options, everJoined }: RoomState): boolean {
    this.removeMissing();
    const timeout = everJoined ? options.departureTimeout : options.emptyTimeout;
    return (
      this.all().every((one) => one.dependent) &&
      this.#options.deps.now() - this.emptySinceMs >= timeout * 1000
    );
  }

  /** Gives those up who have not come back in time. */
  removeMissing(): void {
    for (const missing of this.expected.overdue(this.#options.deps.now())) {
      // One that is connecting just now has come.
      if (!this.participants.has(missing.identity)) {
        this.removeExpected(missing, DisconnectReason.CONNECTION_TIMEOUT);
      }
    }
  }

  removeAll(reason: DisconnectReason, action: LeaveRequest_Action): void {
    for (const participant of [...this.participants.values()]) {
      this.remove(participant, reason, action);
    }
    for (const expected of this.expected.values()) {
      this.removeExpected(expected, reason);
    }
  }

  /** As `Room.sendAway`. */
  sendAway(participant: Participant): void {
    if (participant.reachable && !this.#options.gate.isFrozen) {
      const carried = carry(participant);
      this.#takeOut(participant, DisconnectReason.MIGRATION, LeaveRequest_Action.RECONNECT);
      this.expected.add(new ExpectedParticipant(carried, this.#rejoinUntilMs()));
    }
  }

  /** Sends all to where the Room goes on. None of them has left. */
  depart(reason: DisconnectReason): void {
    const { room, deps } = this.#options;
    const tell = (info: ParticipantInfo): void =>
      deps.observer.participantDeparted?.(room.info(), info);
    for (const expected of this.expected.values()) {
      this.expected.take(expected.identity);
      if (expected.isAnnounced) {
        tell(expected.info());
      }
    }
    for (const participant of [...this.participants.values()]) {
      const { isAnnounced } = participant;
      const info = this.#takeOut(participant, reason, LeaveRequest_Action.RECONNECT);
      if (isAnnounced) {
        tell(info);
      }
    }
  }

  /** Takes over who was in the Room where it was before. */
  adopt(handover: RoomHandover): void {
    const { room, deps, news } = this.#options;
    const added = receiveHandover(room, handover, deps.observer, this.#rejoinUntilMs());
    this.updates.tell(added.filter((one) => !one.hidden).map((one) => one.info()));
    news.soon();
  }

  /** Tells others of one that is expected, and has been changed. */
  expectedChanged(expected: ExpectedParticipant): void {
    expected.touch();
    this.updates.tell(expected.hidden ? [] : [expected.info()]);
  }

  #rejoinUntilMs(): number {
    const { now, rejoinWaitMs } = this.#options.deps;
    return now() + rejoinWaitMs;
  }

  /** Closes a participant, and says nothing of it to others. */
  #takeOut(
    participant: Participant,
    reason: DisconnectReason,
    action: LeaveRequest_Action | undefined,
  ): ParticipantInfo {
    const { room, deps } = this.#options;
    if (action !== undefined) {
      participant.send({ case: 'leave', value: leaveRequest(reason, action) });
    }
    participant.closeSink();
    this.#joinTimers.stop(participant);
    if (this.participants.get(participant.identity) === participant) {
      this.participants.delete(participant.identity);
    }
    const info = takeOut(room, participant, reason, deps.observer);
    room.taps.changed();
    this.updates.forget(participant.sid);
    room.log.info(
      { participant: participant.identity, reason: DisconnectReason[reason] },
      'participant left',
    );
    return info;
  }

  /** Says that somebody has left for good. */
  #gone(info: ParticipantInfo, isShown: boolean, wasAnnounced: boolean): void {
    const { room, deps, news } = this.#options;
    if (isShown) {
      this.updates.tell([info]);
      this.#departures.add(info);
    }
    this.emptySinceMs = deps.now();
    news.soon();
    const tell = wasAnnounced ? 'participantLeft' : 'participantConnectionAborted';
    deps.observer[tell]?.(room.info(), info);
  }
}
