import type {
  Consumer,
  MediaKind,
  PipeTransport,
  Producer,
  Router,
  RtpParameters,
  SrtpParameters,
} from 'mediasoup/types';
import { PORT_RANGES } from '../../contract';
import { PUBLISH_EXTENSIONS } from '../codecs';

/** Where one end of a pipe listens, and the key of what it sends: for the other end alone. */
export interface PipeEnd {
  readonly ip: string;
  readonly port: number;
  readonly srtp: SrtpParameters;
}

/** A track as the other end of a pipe has to take it. */
export interface PipedTrack {
  /** Of this way through the pipe: a track that is sent again has another one. */
  readonly id: string;
  readonly kind: MediaKind;
  readonly rtpParameters: RtpParameters;
}

/** A burst of key frames is more than the usual 200 kB. */
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;
/** To the publisher at the far end, in ms: mediasoup waits so long between two requests. */
const KEY_FRAME_DELAY_MS = 500;

/**
 * One end of a pipe between Routers of two nodes: encrypted, and what is lost is sent again. Any
 * number of tracks goes through it, with all their layers, in both directions.
 */
export class NodePipe {
  readonly #transport: PipeTransport;

  private constructor(transport: PipeTransport) {
    this.#transport = transport;
  }

  /**
   * @param ip - of this machine, which the other node reaches
   * @throws Error where no port is free
   */
  static async open(router: Router, ip: string): Promise<NodePipe> {
    const transport = await router.createPipeTransport({
      listenInfo: {
        protocol: 'udp',
        ip,
        portRange: { min: PORT_RANGES.pipes.start, max: PORT_RANGES.pipes.end },
        sendBufferSize: SOCKET_BUFFER_BYTES,
        recvBufferSize: SOCKET_BUFFER_BYTES,
      },
      enableRtx: true,
      enableSrtp: true,
    });
    return new NodePipe(transport);
  }

  /** What the other node has to know. */
  get end(): PipeEnd {
    const { tuple, srtpParameters } = this.#transport;
    if (srtpParameters === undefined) {
      throw new Error('a pipe between nodes has no key, though it was asked for one');
    }
    return { ip: tuple.localAddress, port: tuple.localPort, srtp: srtpParameters };
  }

  /** To be called once, on both ends. */
  async connect({ ip, port, srtp }: PipeEnd): Promise<void> {
    await this.#transport.connect({ ip, port, srtpParameters: srtp });
  }

  /** Sends a track to the other end, until the consumer closes. */
  async send(producer: Producer): Promise<{ consumer: Consumer; track: PipedTrack }> {
    const consumer = await this.#transport.consume({ producerId: producer.id });
    const { id, kind, rtpParameters } = consumer;
    // mediasoup would name abs-capture-time too, and then wait for it in packets that have none.
    const headerExtensions = (rtpParameters.headerExtensions ?? []).filter(({ uri }) =>
      PUBLISH_EXTENSIONS.has(uri),
    );
    return { consumer, track: { id, kind, rtpParameters: { ...rtpParameters, headerExtensions } } };
  }

  /** Takes a track that the other end sends. */
  receive({ kind, rtpParameters }: PipedTrack): Promise<Producer> {
    return this.#transport.produce({
      kind,
      rtpParameters,
      keyFrameRequestDelay: KEY_FRAME_DELAY_MS,
    });
  }

  /** Idempotent. */
  close(): void {
    this.#transport.close();
  }
}
