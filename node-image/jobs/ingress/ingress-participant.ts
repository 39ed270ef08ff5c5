import {
  AddTrackRequest,
  ClientInfo,
  type DisconnectReason,
  type IngressInfo,
  type LeaveRequest,
  TrackSource,
  TrackType,
} from '@livekit/protocol';
import type { Grants } from '../../room/grants';
import type { JoinOptions } from '../../room/participant';
import type { OutgoingSignal, SignalSink } from '../../room/signal-sink';

/** The attributes by which clients know whose participant it is. Source: livekit/protocol livekit/attrs.go. */
const INGRESS_ID = 'ingress.ingressID';
const RESOURCE_ID = 'ingress.resourceID';

/** Who the participant of an Ingress is, and what it may do. Source: livekit/protocol ingress/token.go. */
export const ingressGrants = (info: IngressInfo): Grants => ({
  apiKey: '',
  identity: info.participantIdentity,
  name: info.participantName,
  metadata: info.participantMetadata,
  attributes: {
    [INGRESS_ID]: info.ingressId,
    [RESOURCE_ID]: info.state?.resourceId ?? '',
  },
  kind: 'ingress',
  kindDetails: [],
  roomPreset: '',
  hasVideoClaim: true,
  video: {
    room: info.roomName,
    destinationRoom: '',
    roomCreate: false,
    roomList: false,
    roomRecord: false,
    roomAdmin: false,
    roomJoin: true,
    ingressAdmin: false,
    hidden: false,
    recorder: false,
    agent: false,
    canPublish: true,
    canSubscribe: false,
    canPublishData: false,
    canPublishSources: [],
    canUpdateOwnMetadata: true,
  },
});

/** It wants nothing but to publish. */
export const ingressJoin = (): JoinOptions => ({
  autoSubscribe: false,
  autoSubscribeDataTrack: false,
  adaptiveStream: false,
  client: new ClientInfo(),
  candidates: 'all',
});

/** What an Ingress says of the track of one kind. */
export function ingressTrack(
  info: IngressInfo,
  kind: 'audio' | 'video',
  track: Pick<AddTrackRequest, 'cid'> & Partial<Pick<AddTrackRequest, 'layers' | 'stereo'>>,
): AddTrackRequest {
  const isVideo = kind === 'video';
  const options = isVideo ? info.video : info.audio;
  return new AddTrackRequest({
    ...track,
    type: isVideo ? TrackType.VIDEO : TrackType.AUDIO,
    name: options?.name ?? '',
    source: options?.source || (isVideo ? TrackSource.CAMERA : TrackSource.MICROPHONE),
    disableDtx: true,
  });
}

/** In place of a client's signal connection: keeps the answer to its offer, and hears of its end. */
export class IngressSink implements SignalSink {
  answer: string | undefined;
  /** Why a track was refused. */
  refusal: string | undefined;
  /** What the Room said before it closed the connection. */
  leave: LeaveRequest | undefined;
  readonly #onClosed: (reason: DisconnectReason | undefined) => void;
  #closed = false;

  /** @param onClosed - the participant is not in the Room any more; called once. */
  constructor(onClosed: (reason: DisconnectReason | undefined) => void) {
    this.#onClosed = onClosed;
  }

  /** The Room takes the participant out, or has. */
  get isClosed(): boolean {
    return this.#closed;
  }

  send({ message }: OutgoingSignal): void {
    if (message.case === 'answer') {
      this.answer = message.value.sdp;
    } else if (message.case === 'requestResponse') {
      this.refusal = message.value.message;
    } else if (message.case === 'leave') {
      this.leave = message.value;
    }
  }

  close(): void {
    if (!this.#closed) {
      this.#closed = true;
      this.#onClosed(this.leave?.reason);
    }
  }
}
