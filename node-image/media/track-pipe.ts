import type { Consumer, PipeTransport, Producer, Router } from 'mediasoup/types';
import { PORT_RANGES } from '../contract';
import { PUBLISH_EXTENSIONS } from './codecs';
import { SOCKET_BUFFER_BYTES } from './socket-buffer';

/** A track that somebody needs at the other end, until they let go of it. */
export interface TrackLease {
  /** Idempotent. */
  release(): void;
}

interface PipedTrack {
  readonly ready: Promise<Consumer>;
  outgoing: Consumer | undefined;
  leases: number;
}

/**
 * Where pipes listen: on loopback, so no packet leaves the machine, none is encrypted, and each end
 * takes none but from the other.
 */
const LISTEN = {
  protocol: 'udp',
  ip: '127.0.0.1',
  portRange: { min: PORT_RANGES.pipes.start, max: PORT_RANGES.pipes.end },
  sendBufferSize: SOCKET_BUFFER_BYTES,
  recvBufferSize: SOCKET_BUFFER_BYTES,
} as const;

/**
 * Brings tracks from one Router to another, on another worker, each once and only while somebody
 * there needs it.
 *
 * mediasoup's own `pipeToRouter` would negotiate all header extensions there are, abs-capture-time
 * too, and the other end then forwards no layer, as no packet has it. It also never tries again
 * where it could not listen.
 */
export class TrackPipe {
  readonly #near: PipeTransport;
  readonly #far: PipeTransport;
  readonly #tracks = new Map<string, PipedTrack>();

  private constructor(near: PipeTransport, far: PipeTransport) {
    this.#near = near;
    this.#far = far;
    near.observer.once('close', () => far.close());
    far.observer.once('close', () => near.close());
  }

  /** @throws Error where no port is free. */
  static async open(from: Router, to: Router): Promise<TrackPipe> {
    // A burst of key frames may be more than the other end takes at once.
    const options = { listenInfo: LISTEN, enableRtx: true };
    const [near, far] = await Promise.allSettled([
      from.createPipeTransport(options),
      to.createPipeTransport(options),
    ]);
    if (near.status === 'rejected' || far.status === 'rejected') {
      for (const one of [near, far]) {
        if (one.status === 'fulfilled') one.value.close();
      }
      throw near.status === 'rejected' ? near.reason : (far as PromiseRejectedResult).reason;
    }
    const pipe = new TrackPipe(near.value, far.value);
    try {
      await Promise.all([connect(near.value, far.value), connect(far.value, near.value)]);
      return pipe;
    } catch (error) {
      pipe.close();
      throw error;
    }
  }

  /**
   * Has a track at the other end, under the same id.
   *
   * @throws Error where it ends meanwhile.
   */
  async bring(producer: Producer): Promise<TrackLease> {
    const track = this.#tracks.get(producer.id) ?? this.#start(producer);
    track.leases += 1;
    let held = true;
    const release = (): void => {
      if (held) {
        held = false;
        this.#release(producer.id, track);
      }
    };
    try {
      await track.ready;
    } catch (error) {
      release();
      throw error;
    }
    return { release };
  }

  /** Idempotent. */
  close(): void {
    this.#near.close();
  }

  #start(producer: Producer): PipedTrack {
    const track: PipedTrack = { ready: this.#pipe(producer), outgoing: undefined, leases: 0 };
    this.#tracks.set(producer.id, track);
    track.ready.then(
      (outgoing) => {
        track.outgoing = outgoing;
        outgoing.observer.once('close', () => this.#forget(producer.id, track));
      },
      () => {},
    );
    return track;
  }

  #release(id: string, track: PipedTrack): void {
    track.leases -= 1;
    if (track.leases === 0) {
      this.#forget(id, track);
      track.outgoing?.close();
    }
  }

  #forget(id: string, track: PipedTrack): void {
    if (this.#tracks.get(id) === track) {
      this.#tracks.delete(id);
    }
  }

  async #pipe(producer: Producer): Promise<Consumer> {
    const outgoing = await this.#near.consume({ producerId: producer.id });
    try {
      const { rtpParameters } = outgoing;
      const incoming = await this.#far.produce({
        id: producer.id,
        kind: outgoing.kind,
        rtpParameters: {
          ...rtpParameters,
          headerExtensions: (rtpParameters.headerExtensions ?? []).filter(({ uri }) =>
            PUBLISH_EXTENSIONS.has(uri),
          ),
        },
        paused: outgoing.producerPaused,
      });
      const { observer } = outgoing;
      observer.once('close', () => incoming.close());
      incoming.observer.once('close', () => outgoing.close());
      const follow = (): void => {
        const done = outgoing.producerPaused ? incoming.pause() : incoming.resume();
        // Fails where either end is gone, and who is told of that is told of it elsewhere.
        done.catch(() => {});
      };
      observer.on('pause', follow);
      observer.on('resume', follow);
      if (outgoing.closed) {
        incoming.close();
        throw new Error('the track ended while it was brought to another worker');
      }
      if (incoming.paused !== outgoing.producerPaused) {
        follow();
      }
      return outgoing;
    } catch (error) {
      outgoing.close();
      throw error;
    }
  }
}

function connect(one: PipeTransport, other: PipeTransport): Promise<void> {
  const { localAddress: ip, localPort: port } = other.tuple;
  return one.connect({ ip, port });
}
