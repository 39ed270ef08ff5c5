import {
  DisconnectReason,
  LeaveRequest_Action,
  ParticipantInfo_State,
  Pong,
  PublishDataTrackResponse,
  RequestResponse,
  type SignalRequest,
  type UnpublishDataTrackResponse,
} from '@livekit/protocol';
import { SdpError } from '../media/sdp/offer-reader';
import type { MessageBudget } from '../net/message-budget';
import { type OwnDataLimits, updateOwnData } from '../room/own-data';
import type { Participant } from '../room/participant';
import { applySyncState } from '../room/resume';
import type { Room } from '../room/room';
import type { SignalMessage, SignalSink } from '../room/signal-sink';
import type { Simulations } from '../room/simulate';
import { itemCount } from './request-size';

export interface SessionOptions {
  readonly room: Room;
  readonly participant: Participant;
  readonly limits: OwnDataLimits;
  readonly simulations: Simulations;
  /** How many messages the client may send. */
  readonly budget: MessageBudget;
}

type DataTrackResponse = PublishDataTrackResponse | UnpublishDataTrackResponse | RequestResponse;

/** Requests that may wait for earlier ones; a client that goes on beyond is out of its mind. */
const MAX_QUEUED = 1000;
/**
 * Of a message, for reading it. A trickle costs no more: nothing is done with it, and a client with
 * many network interfaces sends over a thousand when it joins.
 */
const READING_COST = 0.1;
/** A message counts as one more for each of these bytes, and for each of these things it names. */
const MESSAGE_BYTES = 16 * 1024;
const MESSAGE_ITEMS = 100;
/** More tracks or participants than one message may name. */
const MAX_ITEMS = 10_000;

/**
 * What one participant asks for over its signal connection, one request after the other.
 *
 * It outlives the connection: a resumed client goes on with it. Source: livekit_rtc.proto
 * SignalRequest.
 */
export class Session {
  readonly #options: SessionOptions;
  #queue: Promise<void> = Promise.resolve();
  #queued = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  get participant(): Participant {
    return this.#options.participant;
  }

  get room(): Room {
    return this.#options.room;
  }

  /** A client that is gone before its media ever came up cannot resume, and is not waited for. */
  connectionLost(sink: SignalSink): void {
    const { room, participant } = this.#options;
    if (participant.dropSink(sink) && participant.state === ParticipantInfo_State.JOINED) {
      room.remove(participant, DisconnectReason.SIGNAL_CLOSE);
    }
  }

  /** Whether one more message of this size may be read: what it says is counted when it is known. */
  takesBytes(bytes: number): boolean {
    return this.#options.budget.take(READING_COST + Math.floor(bytes / MESSAGE_BYTES));
  }

  /**
   * Whether a message is within what the client may send, with all the things that it names;
   * undefined: one that cannot be read.
   */
  takesRequest(request: SignalRequest | undefined): boolean {
    if (request !== undefined && isTrickle(request)) {
      return true;
    }
    const items = request === undefined ? 0 : itemCount(request);
    const cost = items < MESSAGE_ITEMS ? 1 : 1 + items / MESSAGE_ITEMS;
    return items <= MAX_ITEMS && this.#options.budget.take(cost - READING_COST);
  }

  /** Handles a request after those before it. Never throws. */
  handle(request: SignalRequest): void {
    if (isTrickle(request)) {
      // This side is ICE-lite and learns addresses from checks.
      return;
    }
    if (this.#queued >= MAX_QUEUED) {
      this.#rejoin('too many requests are waiting');
      return;
    }
    this.#queued += 1;
    if (this.room.isFrozen && !waitsForRoom(request)) {
      // It does not wait for those before it either, which do.
      void this.#run(request);
      return;
    }
    this.#queue = this.#queue.then(() => this.#run(request));
  }

  async #run(request: SignalRequest): Promise<void> {
    this.#queued -= 1;
    if (this.room.isFrozen && waitsForRoom(request)) {
      // Where the Room goes, the client is told to join there, and asks again.
      await this.room.settled().catch(() => {});
    }
    if (this.participant.closed) {
      return;
    }
    try {
      await this.#dispatch(request);
    } catch (error) {
      if (this.participant.closed) {
        return;
      }
      const { room, participant } = this.#options;
      const facts = {
        err: error,
        participant: participant.identity,
        request: request.message.case,
      };
      if (error instanceof SdpError) {
        room.log.info(facts, 'a client sent an unusable session description');
      } else {
        room.log.warn(facts, 'a request of a client failed');
      }
      // Its description and ours no longer agree, and only a new connection mends that.
      if (request.message.case === 'offer' || request.message.case === 'answer') {
        this.#rejoin('negotiation failed');
      }
    }
  }

  async #dispatch({ message }: SignalRequest): Promise<void> {
    const { room, participant, limits, simulations } = this.#options;
    const { publishing, parts } = participant;
    switch (message.case) {
      case 'offer':
        return publishing.offer(message.value);
      case 'answer':
        // Without a connection nothing was offered, and an answer does not make one.
        return parts.connections.hasSubscriber
          ? (await parts.connections.subscriber()).answer(message.value.sdp, message.value.id)
          : undefined;
      case 'addTrack':
        publishing.addTrack(message.value);
        return;
      case 'mute': {
        const { sid, muted } = message.value;
        if ((await publishing.setMuted(sid, muted)) !== undefined) {
          participant.touch(true);
        }
        return;
      }
      case 'subscription': {
        const { trackSids, participantTracks, subscribe } = message.value;
        const all = [...trackSids, ...participantTracks.flatMap((one) => one.trackSids)];
        room.tracks.choose(participant, all, subscribe);
        return;
      }
      case 'trackSetting':
        return room.tracks.updateSettings(participant, message.value);
      case 'subscriptionPermission':
        room.tracks.setPermissions(participant, message.value);
        room.dataTracks.permissionsChanged();
        return;
      case 'leave':
        room.remove(participant, leaveReasonOf(message.value.reason));
        return;
      case 'syncState':
        return applySyncState(room, participant, message.value, DisconnectReason.STATE_MISMATCH);
      case 'simulate':
        return simulations.run(room, participant, message.value);
      case 'ping':
        participant.send({ case: 'pong', value: BigInt(Date.now()) });
        return;
      case 'pingReq':
        participant.send({
          case: 'pongResp',
          value: new Pong({
            lastPingTimestamp: message.value.timestamp,
            timestamp: BigInt(Date.now()),
          }),
        });
        return;
      case 'updateMetadata':
        if (updateOwnData(participant, message.value, limits)) {
          participant.claimsChanged();
        }
        return;
      case 'updateAudioTrack':
        if (publishing.setAudioFeatures(message.value.trackSid, message.value.features)) {
          participant.touch(true);
        }
        return;
      case 'updateVideoTrack': {
        const { trackSid, width, height } = message.value;
        if (publishing.setDimensions(trackSid, width, height)) {
          participant.touch(true);
        }
        return;
      }
      case 'publishDataTrackRequest':
        this.#answer(room.dataTracks.publish(participant, message.value));
        return;
      case 'unpublishDataTrackRequest':
        this.#answer(room.dataTracks.unpublish(participant, message.value));
        return;
      case 'updateDataSubscription':
        room.dataTracks.updateSubscription(participant, message.value);
        return;
      default:
        // updateLayers: obsolete.
        return;
    }
  }

  #answer(response: DataTrackResponse): void {
    this.participant.send(toMessage(response));
  }

  #rejoin(why: string): void {
    const { room, participant } = this.#options;
    room.log.info({ participant: participant.identity, why }, 'a client is sent to join again');
    room.remove(participant, DisconnectReason.STATE_MISMATCH, LeaveRequest_Action.RECONNECT);
  }
}

/**
 * Whether a request waits until a Room that is about to move has gone or stays.
 *
 * A track is announced at once: the Rust SDK holds on to the one that it is publishing while it joins
 * elsewhere, waits 10 s for this answer, and then gives the track up for good. Source: rust-sdks,
 * room/mod.rs, handle_restarted.
 */
const waitsForRoom = ({ message }: SignalRequest): boolean =>
  message.case !== 'ping' && message.case !== 'pingReq' && message.case !== 'addTrack';

const isTrickle = ({ message }: SignalRequest): boolean => message.case === 'trickle';

/** What a client may say of why it leaves; anything else is its own wish. */
function leaveReasonOf(reason: DisconnectReason): DisconnectReason {
  switch (reason) {
    case DisconnectReason.USER_UNAVAILABLE:
    case DisconnectReason.USER_REJECTED:
    case DisconnectReason.AGENT_ERROR:
      return reason;
    default:
      return DisconnectReason.CLIENT_INITIATED;
  }
}

function toMessage(response: DataTrackResponse): SignalMessage {
  if (response instanceof RequestResponse) {
    return { case: 'requestResponse', value: response };
  }
  return response instanceof PublishDataTrackResponse
    ? { case: 'publishDataTrackResponse', value: response }
    : { case: 'unpublishDataTrackResponse', value: response };
}
