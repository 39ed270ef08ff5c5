import type { PlainTransport, Producer, Router } from 'mediasoup/types';
import { PORT_RANGES } from '../contract';

const LOOPBACK = '127.0.0.1';
/** As much as comes while the worker is busy, in bytes. */
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;

/** What is sent into a Router by a program of this machine. */
export interface InletStream {
  readonly kind: 'audio' | 'video';
  readonly ssrc: number;
  /** The same for what is played in step. */
  readonly cname: string;
}

/** The codec of an inlet, as both ends have it. */
const CODECS = {
  video: {
    mimeType: 'video/H264',
    payloadType: 125,
    clockRate: 90_000,
    // Whatever it is: receivers go by what is in the stream.
    parameters: {
      'packetization-mode': 1,
      'profile-level-id': '42e01f',
      'level-asymmetry-allowed': 1,
    },
  },
  audio: {
    mimeType: 'audio/opus',
    payloadType: 111,
    clockRate: 48_000,
    channels: 2,
    parameters: { 'sprop-stereo': 1 },
  },
} as const;

/**
 * Takes plain RTP from a program of this machine, over the loopback: H264 or Opus.
 *
 * The program is not asked for key frames: they have to come by themselves.
 */
export class RtpInlet {
  private constructor(
    private readonly transport: PlainTransport,
    readonly producer: Producer,
    private readonly stream: InletStream,
  ) {}

  static async create(router: Router, stream: InletStream): Promise<RtpInlet> {
    const { kind, ssrc, cname } = stream;
    const { mimeType, payloadType, clockRate, parameters } = CODECS[kind];
    const transport = await router.createPlainTransport({
      listenInfo: {
        protocol: 'udp',
        ip: LOOPBACK,
        portRange: { min: PORT_RANGES.pipes.start, max: PORT_RANGES.pipes.end },
        recvBufferSize: SOCKET_BUFFER_BYTES,
      },
      // ffmpeg sends its reports from a port of their own.
      rtcpMux: false,
      comedia: true,
    });
    try {
      const producer = await transport.produce({
        kind,
        rtpParameters: {
          codecs: [
            {
              mimeType,
              payloadType,
              clockRate,
              parameters,
              rtcpFeedback: [],
              ...(kind === 'audio' && { channels: CODECS.audio.channels }),
            },
          ],
          encodings: [{ ssrc }],
          rtcp: { cname },
        },
      });
      return new RtpInlet(transport, producer, stream);
    } catch (error) {
      transport.close();
      throw error;
    }
  }

  get mimeType(): string {
    return CODECS[this.stream.kind].mimeType;
  }

  /** The end of ffmpeg's arguments for the output that goes here. */
  get ffmpegOutput(): string[] {
    const { kind, ssrc, cname } = this.stream;
    const port = this.transport.tuple.localPort;
    const rtcpPort = this.transport.rtcpTuple?.localPort ?? port + 1;
    return [
      ...['-f', 'rtp', '-ssrc', `${ssrc}`, '-payload_type', `${CODECS[kind].payloadType}`],
      ...['-cname', cname, `rtp://${LOOPBACK}:${port}?rtcpport=${rtcpPort}&pkt_size=1200`],
    ];
  }

  /** Bytes that have come. */
  async receivedBytes(): Promise<number> {
    const stats = this.producer.closed ? [] : await this.producer.getStats();
    return stats.reduce((sum, { byteCount }) => sum + byteCount, 0);
  }

  /** Idempotent; the producer ends with it. */
  close(): void {
    this.transport.close();
  }
}
