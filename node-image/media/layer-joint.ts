import { createSocket, type Socket } from 'node:dgram';
import { LayerClock } from './layer-clock';

const LOOPBACK = '127.0.0.1';
/** As much as comes while this process is busy for a second, in bytes. */
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;

/**
 * Puts the layers of a picture together that ffmpeg encodes: it sends each from a port of its own, and
 * on its own clock, where the worker takes one sender, and goes from one layer to another by their
 * clocks.
 */
export class LayerJoint {
  readonly #socket: Socket;
  readonly #clock = new LayerClock();
  #closed = false;

  private constructor(socket: Socket, to: number) {
    this.#socket = socket;
    socket.on('message', (packet) => {
      for (const settled of this.#clock.settle(packet)) socket.send(settled, to, LOOPBACK);
    });
    // A socket of the loopback has no errors that matter, and must not end the process.
    socket.on('error', () => {});
  }

  /** @param to - the port of the worker that takes all layers */
  static async open(to: number): Promise<LayerJoint> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(0, LOOPBACK, () => {
        socket.removeListener('error', reject);
        resolve();
      });
    });
    socket.setRecvBufferSize(SOCKET_BUFFER_BYTES);
    return new LayerJoint(socket, to);
  }

  /** Takes RTP and RTCP of all layers. */
  get port(): number {
    return this.#socket.address().port;
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }
}
