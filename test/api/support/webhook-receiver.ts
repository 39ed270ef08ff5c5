import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { WebhookReceiver } from 'livekit-server-sdk';
import { sleep } from '../../support/wait';

/** How a receiver answers the so-manieth call. */
export type Answer = (response: ServerResponse, request: IncomingMessage, count: number) => void;

interface Body {
  readonly id?: string;
  readonly createdAt?: string;
  readonly room?: Record<string, unknown>;
  readonly participant?: Record<string, unknown>;
  readonly track?: Record<string, unknown>;
}

export interface Received {
  readonly event: string;
  readonly dropped: number;
  readonly room: string;
  readonly body: Body;
  readonly type: string | undefined;
}

/** A receiver that checks each signature with LiveKit's SDK and answers as it is told. */
export class TestReceiver {
  readonly received: Received[] = [];
  readonly #server: Server;
  count = 0;

  constructor(
    answer: Answer = (response) => void response.end(),
    { apiKey, secret } = { apiKey: 'devkey', secret: 'secret' },
  ) {
    const checker = new WebhookReceiver(apiKey, secret);
    this.#server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request.setEncoding('utf8')) body += chunk;
      const event = await checker.receive(body, request.headers.authorization);
      this.count += 1;
      const type = request.headers['content-type'];
      const { numDropped: dropped } = event;
      const room = event.room?.name ?? '';
      answer(response, request, this.count);
      if (response.statusCode === 200) {
        this.received.push({ event: event.event, dropped, room, body: JSON.parse(body), type });
      }
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    assert.ok(typeof address === 'object' && address !== null);
    return `http://127.0.0.1:${address.port}/hook`;
  }

  async until(count: number): Promise<void> {
    const deadline = Date.now() + 5000;
    while (this.received.length < count && Date.now() < deadline) await sleep(5);
    assert.equal(this.received.length, count);
  }

  get events(): string[] {
    return this.received.map(({ event }) => event);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
