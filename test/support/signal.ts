import { SignalRequest, SignalResponse } from '@livekit/protocol';
import { WebSocket } from 'ws';
import { until } from './wait';

/** What a handshake was answered with when it was not accepted. */
export interface Refusal {
  readonly status: number;
  readonly body: string;
}

type Message = SignalResponse['message'];
type MessageOf<C extends Message['case']> = Extract<Message, { case: C }>['value'];

/** The signal connection without any media: what a client sees before it opens a peer connection. */
export class SignalConnection {
  readonly messages: Message[] = [];
  /** Set once the server has closed the connection. */
  closed: { readonly code: number } | undefined;
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      this.messages.push(SignalResponse.fromBinary(data).message);
    });
    socket.on('close', (code) => {
      this.closed = { code };
    });
    socket.on('error', () => undefined);
  }

  /**
   * Opens `/rtc`, the way of the dual peer connection.
   *
   * @returns the connection, or what it was refused with.
   */
  static open(
    url: string,
    token: string | undefined,
    query: Record<string, string> = {},
    path = '/rtc',
  ): Promise<SignalConnection | Refusal> {
    const target = new URL(`${url}${path}`);
    const all = { protocol: '17', sdk: 'js', auto_subscribe: '1', ...query };
    for (const [key, value] of Object.entries(all)) target.searchParams.set(key, value);
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const socket = new WebSocket(target, { headers });
    const connection = new SignalConnection(socket);
    return new Promise((resolve, reject) => {
      socket.once('open', () => resolve(connection));
      socket.once('unexpected-response', (request, response) => {
        let body = '';
        response.on('data', (chunk) => {
          body += String(chunk);
        });
        response.on('end', () => {
          // Otherwise the connection is kept alive, and the test process with it.
          request.destroy();
          resolve({ status: response.statusCode ?? 0, body });
        });
        response.on('error', reject);
      });
      socket.once('error', reject);
    });
  }

  send(message: SignalRequest['message']): void {
    this.#socket.send(new SignalRequest({ message }).toBinary());
  }

  /** Sends bytes that need not be a message. */
  sendRaw(data: Uint8Array | string): void {
    this.#socket.send(data);
  }

  /** The first message of this kind, now or later. */
  async message<C extends Exclude<Message['case'], undefined>>(
    kind: C,
    timeoutMs = 5_000,
  ): Promise<MessageOf<C>> {
    const found = await until(
      `signal message ${kind}`,
      () => this.messages.find((message) => message.case === kind),
      { timeoutMs, explain: () => `got ${this.messages.map((m) => m.case).join(', ')}` },
    );
    return found?.value as MessageOf<C>;
  }

  /** Waits until the server closes the connection. */
  async end(timeoutMs = 5_000): Promise<{ readonly code: number }> {
    const closed = await until('the server to close the connection', () => this.closed, {
      timeoutMs,
    });
    return closed ?? { code: 0 };
  }

  close(): void {
    this.#socket.close();
  }
}

/** Opens a signal connection that must be accepted. */
export async function openSignal(
  url: string,
  token: string,
  query: Record<string, string> = {},
): Promise<SignalConnection> {
  const opened = await SignalConnection.open(url, token, query);
  if (opened instanceof SignalConnection) return opened;
  throw new Error(`the handshake was refused with ${opened.status} ${opened.body}`);
}
