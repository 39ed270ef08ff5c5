import { SessionDescription, SignalRequest, SignalResponse } from '@livekit/protocol';
import sdpTransform from 'sdp-transform';
import { WebSocket } from 'ws';
import type { TestServer } from '../../support/server';
import { joinToken, type TokenOptions } from '../../support/tokens';
import { until } from '../../support/wait';
import { answerTo } from './descriptions';

type Message = SignalResponse['message'];
type MessageOf<C extends Message['case']> = Extract<Message, { case: C }>['value'];

export interface RawClientOptions {
  readonly room: string;
  readonly identity: string;
  readonly token?: TokenOptions;
  readonly query?: Record<string, string>;
  /** Answer every offer with what it offers. @default false */
  readonly answers?: boolean;
}

/** A client that says whatever a test wants, on a WebSocket of its own and without any media. */
export class RawClient {
  readonly messages: Message[] = [];
  /** Every description that the server has offered. */
  readonly offers: string[] = [];
  /** Set once the connection is gone. */
  closed: { readonly code: number } | undefined;

  private constructor(
    readonly socket: WebSocket,
    readonly identity: string,
    answers: boolean,
  ) {
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      const { message } = isBinary
        ? SignalResponse.fromBinary(data)
        : SignalResponse.fromJsonString(data.toString('utf8'));
      this.messages.push(message);
      if (message.case === 'offer') {
        this.offers.push(message.value.sdp);
        if (answers) this.answer(answerTo(message.value.sdp));
      }
    });
    socket.on('close', (code) => {
      this.closed = { code };
    });
    socket.on('error', () => undefined);
  }

  /** Opens the connection, without waiting to be let in. */
  static async open(server: TestServer, options: RawClientOptions): Promise<RawClient> {
    const { room, identity, query = {}, answers = false } = options;
    const url = new URL(`${server.url}/rtc`);
    const all = { protocol: '17', sdk: 'js', auto_subscribe: '1', ...query };
    for (const [key, value] of Object.entries(all)) url.searchParams.set(key, value);
    const token = await joinToken(server, room, identity, options.token);
    const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` } });
    const client = new RawClient(socket, identity, answers);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', () => resolve());
      socket.once('error', reject);
      socket.once('unexpected-response', (request, response) => {
        request.destroy();
        reject(new Error(`refused with ${response.statusCode}`));
      });
    });
    return client;
  }

  /** Opens the connection and waits for the join response. */
  static async join(server: TestServer, options: RawClientOptions): Promise<RawClient> {
    const client = await RawClient.open(server, options);
    await client.message('join');
    return client;
  }

  send(message: SignalRequest['message']): void {
    this.sendRaw(new SignalRequest({ message }).toBinary());
  }

  sendRaw(data: Uint8Array | string): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(data);
  }

  offer(sdp: string): void {
    this.send({ case: 'offer', value: new SessionDescription({ type: 'offer', sdp }) });
  }

  answer(sdp: string): void {
    this.send({ case: 'answer', value: new SessionDescription({ type: 'answer', sdp }) });
  }

  /** The first message of this kind that fits, now or later. */
  async message<C extends Exclude<Message['case'], undefined>>(
    kind: C,
    fits: (value: MessageOf<C>) => boolean = () => true,
    timeoutMs = 5_000,
  ): Promise<MessageOf<C>> {
    const found = await until(
      `${this.identity} to be sent ${kind}`,
      () => this.messages.find((one) => one.case === kind && fits(one.value as MessageOf<C>)),
      {
        timeoutMs,
        intervalMs: 10,
        explain: () =>
          `closed ${this.closed?.code}, got ${this.messages.map((m) => m.case).join(', ')}`,
      },
    );
    return found?.value as MessageOf<C>;
  }

  /** Asks for a sign of life. @returns false where the connection is closed instead. */
  async lives(timeoutMs = 5_000): Promise<boolean> {
    const before = this.messages.length;
    if (this.socket.readyState === WebSocket.OPEN) this.send({ case: 'ping', value: 1n });
    return until(
      `${this.identity} to live or to be closed`,
      () => {
        if (this.closed !== undefined) return 'closed';
        return this.messages.slice(before).some((one) => one.case === 'pong') ? 'alive' : undefined;
      },
      { timeoutMs, intervalMs: 10 },
    ).then((state) => state === 'alive');
  }

  /** Waits until the server has closed the connection. */
  async end(timeoutMs = 5_000): Promise<{ readonly code: number }> {
    const closed = await until(`${this.identity} to be closed`, () => this.closed, { timeoutMs });
    return closed ?? { code: 0 };
  }

  count(kind: Message['case']): number {
    return this.messages.filter((one) => one.case === kind).length;
  }

  close(): void {
    this.socket.terminate();
  }
}

/** Whether every description offered to a client is one that a browser could take. */
export function offersAreWhole(client: RawClient): boolean {
  return client.offers.every((sdp) =>
    sdpTransform.parse(sdp).media.every((media) => media.mid !== undefined && media.type !== ''),
  );
}
