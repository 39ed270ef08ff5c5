/** The data channels that the LiveKit protocol knows. */
export type DataKind = 'reliable' | 'lossy' | 'data_track';

export const dataKinds: readonly DataKind[] = ['reliable', 'lossy', 'data_track'];

/** How SCTP delivers the messages of one stream. */
export interface StreamDelivery {
  readonly ordered: boolean;
  /** Milliseconds after which a message that still waits to be sent is dropped. */
  readonly maxPacketLifeTime?: number;
}

interface DataChannelDescription {
  readonly label: string;
  /** The stream on which the server opens this channel. Odd: the client is the DTLS client. */
  readonly serverStreamId: number;
  readonly delivery: StreamDelivery;
}

// Not maxRetransmits 0: mediasoup would give such messages a life time of 0 ms as well, and drop
// every one that the congestion window does not let out at once.
const unreliable: StreamDelivery = { ordered: false, maxPacketLifeTime: 500 };

/** Source: the labels of livekit-client, RTCEngine. */
export const dataChannels: Readonly<Record<DataKind, DataChannelDescription>> = {
  reliable: { label: '_reliable', serverStreamId: 1, delivery: { ordered: true } },
  lossy: { label: '_lossy', serverStreamId: 3, delivery: unreliable },
  data_track: { label: '_data_track', serverStreamId: 5, delivery: unreliable },
};

/** @returns the kind of a channel label, or undefined for labels nobody knows. */
export function kindOfLabel(label: string): DataKind | undefined {
  return dataKinds.find((kind) => dataChannels[kind].label === label);
}

/** The largest message that is taken or sent, in bytes. Say it as `a=max-message-size`. */
export const maxMessageBytes = 262_144;

/**
 * What `createWebRtcTransport` must be given for the classes of this folder to work.
 *
 * A stream may hold 2 MiB that the client has not taken; the three streams together stay below the
 * limit of the transport, so that a full lossy stream never blocks the reliable one.
 */
export const dataTransportOptions = {
  enableSctp: true,
  maxSendMessageSize: maxMessageBytes,
  maxReceiveMessageSize: maxMessageBytes,
  sctpPerStreamSendQueueLimit: 2 * 1024 * 1024,
  sctpSendBufferSize: 8 * 1024 * 1024,
} as const;
