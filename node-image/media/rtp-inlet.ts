import type { PlainTransport, Producer, Router } from 'mediasoup/types';
import { PORT_RANGES } from '../contract';
import { LayerJoint } from './layer-joint';

const LOOPBACK = '127.0.0.1';
/** As much as comes while the worker is busy, in bytes. */
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;

/** What is sent into a Router by a program of this machine. */
export interface InletStream {
  readonly kind: 'audio' | 'video';
  /** One for each layer of the picture, the smallest first. */
  readonly ssrcs: readonly number[];
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
    private readonly joint: LayerJoint | undefined,
  ) {}

  static async create(router: Router, stream: InletStream): Promise<RtpInlet> {
    const { kind, ssrcs, cname } = stream;
    const { mimeType, payloadType, clockRate, parameters } = CODECS[kind];
    const isLayered = ssrcs.length > 1;
    const transport = await router.createPlainTransport({
      listenInfo: {
        protocol: 'udp',
        ip: LOOPBACK,
        portRange: { min: PORT_RANGES.pipes.start, max: PORT_RANGES.pipes.end },
        recvBufferSize: SOCKET_BUFFER_BYTES,
      },
      // ffmpeg sends its reports from a port of their own; what puts layers together does not.
      rtcpMux: isLayered,
      comedia: true,
    });
    let joint: LayerJoint | undefined;
    try {
      if (isLayered) joint = await LayerJoint.open(transport.tuple.localPort);
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
          encodings: ssrcs.map((ssrc) => ({ ssrc })),
          rtcp: { cname },
        },
      });
      return new RtpInlet(transport, producer, stream, joint);
    } catch (error) {
      joint?.close();
      transport.close();
      throw error;
    }
  }

  /** Of its layers, the smallest first. */
  get ssrcs(): readonly number[] {
    return this.stream.ssrcs;
  }

  get mimeType(): string {
    return CODECS[this.stream.kind].mimeType;
  }

  /** The ends of ffmpeg's arguments for the outputs that go here: one for each layer. */
  get ffmpegOutputs(): string[][] {
    const { kind, ssrcs, cname } = this.stream;
    const { tuple, rtcpTuple } = this.transport;
    const port = this.joint?.port ?? tuple.localPort;
    const rtcpPort = this.joint?.port ?? rtcpTuple?.localPort ?? port + 1;
    return ssrcs.map((ssrc) => [
      ...['-f', 'rtp', '-ssrc', `${ssrc}`, '-payload_type', `${CODECS[kind].payloadType}`],
      ...['-cname', cname, `rtp://${LOOPBACK}:${port}?rtcpport=${rtcpPort}&pkt_size=1200`],
    ]);
  }

  /** Bytes that have come. */
  async receivedBytes(): Promise<number> {
    const stats = this.producer.closed ? [] : await this.producer.getStats();
    return stats.reduce((sum, { byteCount }) => sum + byteCount, 0);
  }

  /** Idempotent; the producer ends with it. */
  close(): void {
    this.joint?.close();
    this.transport.close();
  }
}
