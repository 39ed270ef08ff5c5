import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { decodeStun, encodeStun, type StunDraft, type StunMessage } from './stun';

/** Lost packets are sent again after so long, ms. Source: RFC 8489, section 6.2.1, which begins so. */
const AGAIN_MS = 500;

/** Where to ask, and how long. */
export interface StunServer {
  /** Address or name; a name is looked up for IPv4. */
  readonly host: string;
  readonly port: number;
}

export interface StunQuestion {
  /** Its transaction is made for each question. */
  readonly request: Omit<StunDraft, 'transaction'>;
  /** What ends the waiting; other answers to the same request do not. */
  readonly types: readonly number[];
  readonly timeoutMs: number;
}

export interface UdpOptions extends StunServer {
  /** Local address to ask from. @default - as the system chooses */
  readonly from?: string;
  /** Asked again after so long, ms. @default 500 */
  readonly againMs?: number;
}

/** One socket to one server, for one question after the other. */
export class StunOverUdp {
  readonly #options: UdpOptions;
  readonly #socket: Socket;
  #isClosed = false;

  private constructor(options: UdpOptions, socket: Socket) {
    this.#options = options;
    this.#socket = socket;
  }

  /** @throws the error of the system where the local address cannot be used. */
  static async open(options: UdpOptions): Promise<StunOverUdp> {
    const { from, host } = options;
    const socket = createSocket(isIPv6(from ?? host) ? 'udp6' : 'udp4');
    const opened = new StunOverUdp(options, socket);
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.bind(0, from, resolve);
      });
    } catch (error) {
      opened.close();
      throw error;
    }
    socket.removeAllListeners('error');
    return opened;
  }

  get localPort(): number {
    return this.#socket.address().port;
  }

  /**
   * @returns undefined where no answer comes in time.
   * @throws the error of the system where nothing can be sent.
   */
  async ask(question: StunQuestion): Promise<StunMessage | undefined> {
    const { host, port, againMs = AGAIN_MS } = this.#options;
    const { packet, read } = requestOf(question);
    const socket = this.#socket;
    let again: NodeJS.Timeout | undefined;
    let end: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        const send = (): void => socket.send(packet, port, host, (error) => error && reject(error));
        socket.on('error', reject);
        socket.on('message', (data) => {
          const message = read(data);
          if (message !== undefined) resolve(message);
        });
        send();
        again = setInterval(send, againMs);
        end = setTimeout(() => resolve(undefined), question.timeoutMs);
      });
    } finally {
      clearInterval(again);
      clearTimeout(end);
      socket.removeAllListeners();
    }
  }

  /** Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.removeAllListeners();
    // A name that is being looked up may still fail.
    this.#socket.on('error', () => undefined);
    this.#socket.close();
  }
}

/** Asks one question over UDP. @returns and @throws as StunOverUdp does. */
export async function askStunOverUdp(
  question: UdpOptions & StunQuestion,
): Promise<StunMessage | undefined> {
  const stun = await StunOverUdp.open(question);
  try {
    return await stun.ask(question);
  } finally {
    stun.close();
  }
}

/**
 * Asks over TCP as ICE does: each packet has its length before it. Source: RFC 4571, section 2.
 *
 * @returns undefined where no answer comes in time, or the connection fails.
 */
export function askStunOverTcp(
  exchange: StunServer & StunQuestion,
): Promise<StunMessage | undefined> {
  const { host, port, timeoutMs } = exchange;
  const { packet, read } = requestOf(exchange);
  return new Promise((resolve) => {
    let received = Buffer.alloc(0);
    const finish = (answer: StunMessage | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => finish(undefined), timeoutMs);
    const socket = connect({ host, port }, () => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(packet.length);
      socket.write(Buffer.concat([length, packet]));
    });
    socket.on('error', () => finish(undefined));
    socket.on('close', () => finish(undefined));
    socket.on('data', (data) => {
      received = Buffer.concat([received, data]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        const answer = read(received.subarray(2, end));
        if (answer !== undefined) return finish(answer);
        received = received.subarray(end);
      }
    });
  });
}

function requestOf({ request, types }: StunQuestion) {
  const transaction = randomBytes(12);
  return {
    packet: encodeStun({ ...request, transaction }),
    /** @returns undefined for what is not an answer to this request. */
    read: (packet: Buffer): StunMessage | undefined => {
      const message = decodeStun(packet);
      return message?.transaction.equals(transaction) === true && types.includes(message.type)
        ? message
        : undefined;
    },
  };
}
