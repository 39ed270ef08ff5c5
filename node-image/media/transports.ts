import type { Router, WebRtcServer, WebRtcTransport } from 'mediasoup/types';
import { dataTransportOptions } from './data/data-kinds';

export interface TransportSettings {
  /**
   * Where the estimate of a viewer's bandwidth starts, in bit/s. A low start leaves viewers on a low
   * layer for ever, as a sender that is limited by its application never probes above it.
   */
  readonly initialOutgoingBitrate: number;
  /** What a publisher may send in all, in bit/s; 0 sets no limit. */
  readonly maxIncomingBitrate: number;
  /** After how many seconds without an ICE check from the client the transport counts as lost. */
  readonly iceConsentTimeoutSeconds: number;
  /** Offer ICE-TCP candidates. */
  readonly enableTcp: boolean;
  /** After a request for a key frame, how long the next one to the same publisher waits, in ms. */
  readonly keyFrameRequestDelayMs: number;
  /** Offer no UDP candidates, as `rtc.force_tcp` of LiveKit. */
  readonly forceTcp: boolean;
}

/** Which protocols a participant's transports offer. A client that asked for TCP gets no UDP. */
export type CandidateChoice = 'all' | 'tcp';

/** Where a client's packets come from, as its worker sees it: a TURN server's relay, for some. */
export interface RemoteAddress {
  readonly ip: string;
  readonly port: number;
}

/** @returns undefined while no path is chosen. */
export function remoteAddress({ iceSelectedTuple }: WebRtcTransport): RemoteAddress | undefined {
  const { remoteIp: ip, remotePort: port } = iceSelectedTuple ?? {};
  return ip === undefined || port === undefined ? undefined : { ip, port };
}

/** Makes the transports of one worker's Rooms, all on the worker's one pair of ports. */
export class TransportFactory {
  readonly #server: WebRtcServer;
  readonly #settings: TransportSettings;

  constructor(server: WebRtcServer, settings: TransportSettings) {
    this.#server = server;
    this.#settings = settings;
  }

  get settings(): TransportSettings {
    return this.#settings;
  }

  async create(
    router: Router,
    role: 'publisher' | 'subscriber',
    choice: CandidateChoice = 'all',
  ): Promise<WebRtcTransport> {
    const settings = this.#settings;
    const tcpOnly = settings.forceTcp || choice === 'tcp';
    const transport = await router.createWebRtcTransport({
      webRtcServer: this.#server,
      enableUdp: !tcpOnly,
      enableTcp: settings.enableTcp || tcpOnly,
      preferUdp: true,
      iceConsentTimeout: settings.iceConsentTimeoutSeconds,
      initialAvailableOutgoingBitrate: settings.initialOutgoingBitrate,
      ...dataTransportOptions,
      appData: { role },
    });
    if (role === 'subscriber') {
      await closeOnFailure(transport, transport.setMinOutgoingBitrate(MIN_OUTGOING_BITRATE));
    }
    if (role === 'publisher' && settings.maxIncomingBitrate > 0) {
      await closeOnFailure(transport, transport.setMaxIncomingBitrate(settings.maxIncomingBitrate));
    }
    return transport;
  }
}

/**
 * The least that a viewer's bandwidth is taken for, in bit/s: the lowest layer and sound. After a
 * flood of losses the estimate would fall far below, and take tens of seconds to come back.
 */
const MIN_OUTGOING_BITRATE = 150_000;

/**
 * Bounds what one viewer is sent, for as long as it simulates a narrow network.
 *
 * @param bitrate - bit/s; 0 takes the bound away.
 */
export async function boundOutgoing(transport: WebRtcTransport, bitrate: number): Promise<void> {
  if (bitrate > 0) {
    // The floor must not stand above the bound.
    await transport.setMinOutgoingBitrate(Math.min(bitrate, MIN_OUTGOING_BITRATE));
  }
  await transport.setMaxOutgoingBitrate(bitrate);
  if (bitrate === 0) {
    await transport.setMinOutgoingBitrate(MIN_OUTGOING_BITRATE);
  }
}

async function closeOnFailure(transport: WebRtcTransport, done: Promise<void>): Promise<void> {
  try {
    await done;
  } catch (error) {
    transport.close();
    throw error;
  }
}
