import { DisconnectReason, LeaveRequest_Action } from '@livekit/protocol';
import { RoomError } from './errors';
import type { Grants } from './grants';
import { joinResponse } from './join-response';
import { type JoinOptions, Participant } from './participant';
import { connectParticipant } from './participant-entry';
import { participantEvents } from './participant-events';
import type { Room } from './room';
import type { RoomGate } from './room-gate';
import type { RoomMembers } from './room-members';
import type { RoomNews } from './room-news';
import type { RoomState } from './room-state';
import type { RoomDependencies } from './room-types';
import type { SignalSink } from './signal-sink';

export interface RoomEntryOptions {
  readonly room: Room;
  readonly deps: RoomDependencies;
  readonly state: RoomState;
  readonly members: RoomMembers;
  readonly gate: RoomGate;
  readonly news: RoomNews;
}

/** How participants come into one Room. */
export class RoomEntry {
  readonly #options: RoomEntryOptions;

  constructor(options: RoomEntryOptions) {
    this.#options = options;
  }

  /** As `Room.join`. */
  async join(
    grants: Grants,
    join: JoinOptions,
    sink: SignalSink,
    onAdmitted: (participant: Participant) => void,
  ): Promise<Participant> {
    const { room, deps, members, gate, news } = this.#options;
    await room.settled();
    if (room.closed) {
      throw new RoomError('unavailable', 'the room has just closed, join again');
    }
    room.checkCapacity(grants);
    const before = members.participants.get(grants.identity);
    if (before !== undefined) {
      members.remove(before, DisconnectReason.DUPLICATE_IDENTITY, LeaveRequest_Action.DISCONNECT);
    }
    const participant = new Participant({
      grants,
      join,
      nowMs: deps.now(),
      returning: members.expected.get(grants.identity),
      enabledCodecs: room.settings.enabledCodecs,
      events: participantEvents(room, news, deps.observer),
    });
    participant.attachSink(sink);
    participant.dataTracks = () => room.dataTracks.infos(participant);
    members.participants.set(participant.identity, participant);
    const done = gate.enter();
    try {
      await connectParticipant(room, participant, join, (subscriberPrimary) => {
        this.#admit(participant, subscriberPrimary);
        onAdmitted(participant);
      });
    } catch (error) {
      const { JOIN_FAILURE } = DisconnectReason;
      members.remove(participant, JOIN_FAILURE, LeaveRequest_Action.DISCONNECT);
      done();
      // Where the Room has moved meanwhile, that is what is wrong.
      await room.settled();
      throw error;
    }
    done();
    return participant;
  }

  /** As `Room.activated`. */
  activated(participant: Participant): void {
    const { room, deps, members, gate } = this.#options;
    if (participant.closed || gate.hold(() => this.activated(participant))) {
      return;
    }
    members.mediaIsUp(participant);
    const tell = participant.isAnnounced ? 'participantRejoined' : 'participantJoined';
    participant.setActive();
    room.dataTracks.peerJoined(participant);
    deps.observer[tell]?.(room.info(), participant.info());
  }

  /** Its connections exist: it is answered, and others hear of it. */
  #admit(participant: Participant, subscriberPrimary: boolean): void {
    const { room, deps, state, members, news } = this.#options;
    members.isBack(participant);
    if (!state.everJoined && !participant.dependent) {
      state.everJoined = true;
      deps.onFactsChanged(room);
    }
    participant.send({
      case: 'join',
      value: joinResponse({
        participant,
        others: members.participants.values(),
        expected: members.expected.values(),
        room: room.info(),
        serverInfo: room.serverInfo,
        iceServers: room.iceServers(participant),
        subscriberPrimary,
        enabledCodecs: room.settings.enabledCodecs,
        sifTrailer: state.sifTrailer,
      }),
    });
    // Not before its join response, which must be the first it hears.
    room.recordingChanged(participant);
    members.awaitMedia(participant);
    participant.touch();
    news.soon();
  }
}
