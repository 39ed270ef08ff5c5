import {
  CandidateProtocol,
  DisconnectReason,
  LeaveRequest_Action,
  type SimulateScenario,
  SpeakerInfo,
} from '@livekit/protocol';
import { boundOutgoing } from '../media/transports';
import { leaveRequest } from './leave';
import type { Participant } from './participant';
import type { Room } from './room';

/** How long a client that simulates a broken resume is cut off for, in ms. */
const RESUME_FAULT_MS = 5000;
/** As often a client that must not hear a word is cut off: so often LiveKit's server tries. */
const SILENT_CUTS = 3;

/**
 * The faults that clients ask for to test themselves. Source: livekit_rtc.proto SimulateScenario.
 *
 * Each acts on the participant that asked and on nobody else, but that others hear who speaks.
 */
export class Simulations {
  readonly #cutOnResume = new Map<string, { untilMs: number; left: number; silently: boolean }>();
  readonly #wantsTcp = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  async run(room: Room, participant: Participant, request: SimulateScenario): Promise<void> {
    const { scenario } = request;
    switch (scenario.case) {
      case 'speakerUpdate':
        simulateSpeaker(room, participant, scenario.value);
        return;
      case 'migration':
      case 'nodeFailure':
        // As if the node were gone: no leave, and unknown when the client comes back.
        room.remove(participant, DisconnectReason.MIGRATION);
        return;
      case 'serverLeave':
        room.remove(participant, DisconnectReason.SERVER_SHUTDOWN, LeaveRequest_Action.DISCONNECT);
        return;
      case 'switchCandidateProtocol':
        this.#switchProtocol(room, participant, scenario.value);
        return;
      case 'subscriberBandwidth':
        await limitBandwidth(participant, Number(scenario.value));
        return;
      case 'disconnectSignalOnResume':
        this.#cut(participant, 1, false);
        return;
      case 'disconnectSignalOnResumeNoMessages':
        this.#cut(participant, SILENT_CUTS, true);
        return;
      case 'leaveRequestFullReconnect':
        participant.send({
          case: 'leave',
          value: leaveRequest(DisconnectReason.CLIENT_INITIATED, LeaveRequest_Action.RECONNECT),
        });
        return;
      default:
        return;
    }
  }

  /** Whether the resume that is under way is to be cut, and when. */
  takeCut(participant: Participant): 'before' | 'after' | undefined {
    const cut = this.#cutOnResume.get(participant.sid);
    if (cut === undefined) {
      return undefined;
    }
    cut.left -= 1;
    if (cut.left <= 0 || this.#now() > cut.untilMs) {
      this.#cutOnResume.delete(participant.sid);
    }
    if (this.#now() > cut.untilMs) {
      return undefined;
    }
    return cut.silently ? 'before' : 'after';
  }

  /** Whether a client that joins has asked to be offered TCP only. */
  takesTcp(room: string, identity: string): boolean {
    const until = this.#wantsTcp.get(key(room, identity));
    this.#wantsTcp.delete(key(room, identity));
    return until !== undefined && this.#now() < until;
  }

  #cut(participant: Participant, times: number, silently: boolean): void {
    for (const [sid, { untilMs }] of this.#cutOnResume) {
      if (untilMs < this.#now()) {
        this.#cutOnResume.delete(sid);
      }
    }
    this.#cutOnResume.set(participant.sid, {
      untilMs: this.#now() + RESUME_FAULT_MS,
      left: times,
      silently,
    });
  }

  /** The client comes back, and is then offered what it asked for. */
  #switchProtocol(room: Room, participant: Participant, protocol: CandidateProtocol): void {
    if (protocol !== CandidateProtocol.UDP) {
      const expired = [...this.#wantsTcp].filter(([, until]) => until < this.#now());
      for (const [old] of expired) {
        this.#wantsTcp.delete(old);
      }
      this.#wantsTcp.set(key(room.name, participant.identity), this.#now() + 60_000);
    }
    room.remove(participant, DisconnectReason.CLIENT_INITIATED, LeaveRequest_Action.RECONNECT);
  }
}

const key = (room: string, identity: string): string => `${room}\u0000${identity}`;

/** For as long as it wants, the participant speaks, to itself and those who receive it. */
function simulateSpeaker(room: Room, participant: Participant, seconds: number): void {
  const tell = (active: boolean): void =>
    room.speakers.announce([
      new SpeakerInfo({ sid: participant.sid, active, level: active ? 0.9 : 0 }),
    ]);
  tell(true);
  const time = Math.min(Math.max(seconds, 0), 60) * 1000;
  setTimeout(() => tell(false), time).unref();
}

/** @param bitrate - bit/s; 0 takes the limit away. */
async function limitBandwidth(participant: Participant, bitrate: number): Promise<void> {
  const { transport } = await participant.parts.connections.subscriber();
  const limit = Math.min(Math.max(bitrate, 0), 2 ** 32 - 1);
  await boundOutgoing(transport, limit);
}
