/** What a receiver has got of one track so far. Counters start with the receiver, not with the call. */
export interface Inbound {
  readonly codec: string;
  readonly fmtp: string;
  readonly bytes: number;
  readonly packets: number;
  readonly lost: number;
  /** Video only, otherwise 0. */
  readonly framesDecoded: number;
  readonly width: number;
  readonly height: number;
  /** Frames a second, as the browser measures them. */
  readonly fps: number;
  readonly freezes: number;
  /** All freezes together, in s. */
  readonly frozenS: number;
  /** Audio only, otherwise 0: grows with loudness and time. */
  readonly energy: number;
  /** Audio only, otherwise 0. */
  readonly samples: number;
  /** Those of them that were made up because their packets were missing. */
  readonly concealed: number;
}

/** What a sender sends of one layer, or of the whole track where there is one. */
export interface Outbound {
  /** 'q', 'h', 'f', or '' without simulcast. */
  readonly rid: string;
  readonly active: boolean;
  readonly codec: string;
  readonly fmtp: string;
  readonly framesEncoded: number;
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
  /** 'L3T3_KEY' and its like, where the browser tells. */
  readonly scalabilityMode: string;
}

/** The members of RTCStats that the two readers below use; not every browser's type lists them. */
interface AnyStats {
  readonly type: string;
  readonly id: string;
  readonly [member: string]: unknown;
}

export async function readInbound(receiver: RTCRtpReceiver): Promise<Inbound | undefined> {
  const all = await list(receiver);
  // One receiver can have a second inbound-rtp of a codec no longer in use: the busiest one counts.
  const [best] = all
    .filter((stats) => stats.type === 'inbound-rtp')
    .sort(
      (a, b) => number(b['lastPacketReceivedTimestamp']) - number(a['lastPacketReceivedTimestamp']),
    );
  if (!best) return undefined;
  const codec = all.find((stats) => stats.id === best['codecId']);
  return {
    codec: text(codec?.['mimeType']),
    fmtp: text(codec?.['sdpFmtpLine']),
    bytes: number(best['bytesReceived']),
    packets: number(best['packetsReceived']),
    lost: number(best['packetsLost']),
    framesDecoded: number(best['framesDecoded']),
    width: number(best['frameWidth']),
    height: number(best['frameHeight']),
    fps: number(best['framesPerSecond']),
    freezes: number(best['freezeCount']),
    frozenS: number(best['totalFreezesDuration']),
    energy: number(best['totalAudioEnergy']),
    samples: number(best['totalSamplesReceived']),
    concealed: number(best['concealedSamples']),
  };
}

export async function readOutbound(sender: RTCRtpSender): Promise<Outbound[]> {
  const all = await list(sender);
  return all
    .filter((stats) => stats.type === 'outbound-rtp')
    .map((stats) => {
      const codec = all.find((other) => other.id === stats['codecId']);
      return {
        rid: text(stats['rid']),
        active: stats['active'] === true,
        codec: text(codec?.['mimeType']),
        fmtp: text(codec?.['sdpFmtpLine']),
        framesEncoded: number(stats['framesEncoded']),
        width: number(stats['frameWidth']),
        height: number(stats['frameHeight']),
        bytes: number(stats['bytesSent']),
        scalabilityMode: text(stats['scalabilityMode']),
      };
    });
}

async function list(from: RTCRtpReceiver | RTCRtpSender): Promise<AnyStats[]> {
  const all: AnyStats[] = [];
  (await from.getStats()).forEach((stats: AnyStats) => {
    all.push(stats);
  });
  return all;
}

const number = (value: unknown): number => (typeof value === 'number' ? value : 0);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
