import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { decodeJwt } from 'jose';

export interface Asked {
  /** Such as `POST nodes/ND_1/drain`. */
  readonly what: string;
  readonly body: unknown;
  readonly issuer: string | undefined;
  readonly claims: unknown;
}

export type Answer = readonly [status: number, body: unknown];

/** A server that answers the admin API with what a test says. */
export class FakeAdmin {
  readonly asked: Asked[] = [];
  /** By `METHOD path`, without the query. */
  readonly answers = new Map<string, Answer | (() => Answer)>();
  readonly #server: Server = createServer((request, response) => {
    void this.#answer(request).then(([status, body]) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  });

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const path = (request.url ?? '').replace('/sluice/v1/', '');
    const claims = decodeJwt((request.headers.authorization ?? '').replace('Bearer ', ''));
    const body = await text(request);
    this.asked.push({
      what: `${request.method} ${path}`,
      body: body === '' ? undefined : JSON.parse(body),
      issuer: claims.iss,
      claims: claims['sluice'],
    });
    const answer = this.answers.get(`${request.method} ${path.split('?')[0]}`);
    if (answer === undefined) {
      return [404, { code: 'not_found', message: `nothing at ${path}` }];
    }
    return typeof answer === 'function' ? answer() : answer;
  }
}
