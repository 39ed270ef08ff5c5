import { createSocket, type Socket } from 'node:dgram';
import type { Consumer, PlainTransport, Producer, Router, RtpCapabilities } from 'mediasoup/types';
import { PORT_RANGES } from '../../contract';
import {
  isRtcp,
  type RtpPacket,
  readRtp,
  readSenderReports,
  type SenderReport,
  writeNack,
} from './rtp-packet';

/** Who is given the packets of a tap. */
export interface TapSink {
  /** As they come, out of order where one had to be sent again. */
  packet(packet: RtpPacket): void;
  /** About once a second for a picture, every 5 s for sound, and soon after the first packet. */
  report(report: SenderReport): void;
  /** The publisher has ended it, or the Room is gone. Called once, and not after `close`. */
  ended(): void;
}

/** As much as a worker sends while this process is busy for a second, in bytes. */
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;
const LOOPBACK = '127.0.0.1';
/** Above any layer there is: the highest that is sent. */
const TOP_LAYER = 9;

/**
 * What one producer sends, as RTP packets in this process: its highest layer.
 *
 * The packets come over the loopback, and not by a DirectTransport: only so mediasoup sends the
 * sender reports by which tracks are played in step, all by one clock whoever publishes them. What
 * the kernel drops on the way is asked for again by `nack`.
 */
export class RtpTap {
  readonly #socket: Socket;
  readonly #transport: PlainTransport;
  readonly #consumer: Consumer;
  readonly #port: number;
  readonly #closing: (() => void)[] = [];
  #sink: TapSink | undefined;
  #closed = false;

  private constructor(socket: Socket, transport: PlainTransport, consumer: Consumer) {
    this.#socket = socket;
    this.#transport = transport;
    this.#consumer = consumer;
    this.#port = transport.tuple.localPort;
    socket.on('message', (message, from) => this.#receive(message, from.port));
    // A socket of the loopback has no errors that matter, and must not end the process.
    socket.on('error', () => {});
    consumer.observer.once('close', () => this.end());
  }

  /** Makes it, at rest: nothing comes before `start`. */
  static async create(options: {
    readonly router: Router;
    readonly producer: Producer;
  }): Promise<RtpTap> {
    const { router, producer } = options;
    const socket = createSocket('udp4');
    let transport: PlainTransport | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.bind(0, LOOPBACK, resolve);
      });
      socket.setRecvBufferSize(SOCKET_BUFFER_BYTES);
      transport = await router.createPlainTransport({
        listenInfo: {
          protocol: 'udp',
          ip: LOOPBACK,
          portRange: { min: PORT_RANGES.pipes.start, max: PORT_RANGES.pipes.end },
          sendBufferSize: SOCKET_BUFFER_BYTES,
        },
        rtcpMux: true,
        comedia: false,
      });
      await transport.connect({ ip: LOOPBACK, port: socket.address().port });
      const consumer = await transport.consume({
        producerId: producer.id,
        rtpCapabilities: plainCapabilities(router),
        paused: true,
        enableRtx: true,
      });
      return new RtpTap(socket, transport, consumer);
    } catch (error) {
      transport?.close();
      socket.close();
      throw error;
    }
  }

  get kind(): 'audio' | 'video' {
    return this.#consumer.kind;
  }

  /** In lower case, such as `video/vp8`. */
  get mimeType(): string {
    return this.#consumer.rtpParameters.codecs[0]?.mimeType.toLowerCase() ?? '';
  }

  /** Of RTP timestamps, in Hz. */
  get clockRate(): number {
    return this.#consumer.rtpParameters.codecs[0]?.clockRate ?? 90_000;
  }

  get closed(): boolean {
    return this.#closed || this.#consumer.closed;
  }

  /** Lets packets come; of a picture the first is of a key frame. To be called once. */
  async start(sink: TapSink): Promise<void> {
    this.#sink = sink;
    if (this.#consumer.closed) {
      this.end();
      return;
    }
    if (this.#consumer.type === 'simulcast' || this.#consumer.type === 'svc') {
      await this.#consumer.setPreferredLayers({
        spatialLayer: TOP_LAYER,
        temporalLayer: TOP_LAYER,
      });
    }
    // Whoever resumes is sent a key frame.
    await this.#consumer.resume();
  }

  /** Asks the publisher for a key frame. mediasoup passes on as many as the publisher may bear. */
  requestKeyFrame(): void {
    if (!this.closed && this.kind === 'video') {
      // It may close meanwhile.
      this.#consumer.requestKeyFrame().catch(() => {});
    }
  }

  /** Asks for packets once more that did not come. */
  nack(ssrc: number, sequences: readonly number[]): void {
    if (!this.closed && sequences.length > 0) {
      this.#socket.send(writeNack(ssrc, sequences), this.#port, LOOPBACK, () => {});
    }
  }

  /** Calls back when it is closed, by whom it may be; at once where it is. */
  onceClosed(listener: () => void): void {
    if (this.#closed) {
      listener();
    } else {
      this.#closing.push(listener);
    }
  }

  /** Closes it, as its publisher has ended it. Idempotent. */
  end(): void {
    if (!this.#closed) {
      this.close();
      this.#sink?.ended();
    }
  }

  /** Idempotent. */
  close(): void {
    if (!this.#closed) {
      this.#closed = true;
      this.#transport.close();
      this.#socket.close();
      for (const listener of this.#closing) listener();
    }
  }

  #receive(message: Buffer, port: number): void {
    if (port !== this.#port) {
      return;
    }
    if (isRtcp(message)) {
      for (const report of readSenderReports(message)) {
        this.#sink?.report(report);
      }
      return;
    }
    const packet = readRtp(message);
    if (packet !== undefined) {
      this.#sink?.packet(packet);
    }
  }
}

/** No header extensions, and what is sent again comes as it was: nobody here needs more. */
function plainCapabilities({ rtpCapabilities }: Router): RtpCapabilities {
  return {
    codecs: (rtpCapabilities.codecs ?? [])
      .filter(({ mimeType }) => !mimeType.toLowerCase().endsWith('/rtx'))
      .map((codec) => ({
        ...codec,
        rtcpFeedback: (codec.rtcpFeedback ?? []).filter(
          ({ type }) => type === 'nack' || type === 'ccm',
        ),
      })),
    headerExtensions: [],
  };
}
