import assert from 'node:assert/strict';
import { WebSocket } from 'ws';
import { joinToken, type TokenOptions } from '../support/tokens';
import { until } from '../support/wait';
import { EntryMaster, EntryNode, SIGNER } from './entry-support';

export const closers: (() => Promise<unknown>)[] = [];

/** Closes what the test has opened. */
export async function closeAll(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

export async function media(id = 'ND_a'): Promise<EntryNode> {
  const node = await new EntryNode(id).start();
  closers.push(() => node.kill());
  return node;
}

export async function master(
  node?: EntryNode,
  options?: ConstructorParameters<typeof EntryMaster>[0],
): Promise<EntryMaster> {
  const one = await new EntryMaster(options).start();
  closers.push(() => one.close());
  if (node !== undefined) {
    one.routes.next = node.target;
    one.routes.nodes = [node.target];
  }
  return one;
}

/** A client, and what came of it. */
export class Client {
  readonly heard: Buffer[] = [];
  status: number | undefined;
  body = '';
  headers: Record<string, unknown> = {};
  closed: number | undefined;
  readonly socket: WebSocket;

  constructor(url: string, headers: Record<string, string>) {
    this.socket = new WebSocket(url, { headers, perMessageDeflate: false });
    this.socket.on('error', () => undefined);
    this.socket.on('message', (data: Buffer) => this.heard.push(data));
    this.socket.on('close', (code) => {
      this.closed = code;
    });
    this.socket.on('unexpected-response', (request, response) => {
      this.headers = response.headers;
      response.on('data', (chunk: Buffer) => {
        this.body += chunk.toString();
      });
      response.on('end', () => {
        this.status = response.statusCode;
        request.destroy();
      });
    });
    closers.push(async () => this.socket.terminate());
  }

  async isIn(): Promise<this> {
    await until('the client to be let in', () => this.heard.length > 0 || this.status);
    assert.equal(this.status, undefined, this.body);
    return this;
  }

  async refusal(): Promise<{ status: number; body: string }> {
    const status = await until('a refusal', () => this.status, { timeoutMs: 15_000 });
    return { status: Number(status), body: this.body };
  }

  get text(): string[] {
    return this.heard.map(String);
  }
}

export async function join(
  one: EntryMaster,
  query = '',
  options: TokenOptions = {},
  headers: Record<string, string> = {},
): Promise<Client> {
  const token = await joinToken(SIGNER, 'room', 'someone', options);
  const url = `${one.url.replace('http', 'ws')}/rtc?access_token=${token}${query}`;
  return new Client(url, headers);
}

export const elsewhere: EntryNode['instead'] = (_request, socket) =>
  socket.end('HTTP/1.1 421 Misdirected\r\nX-Sluice-Elsewhere: 1\r\nContent-Length: 0\r\n\r\n');

/** Nothing of a client is left, at either end. */
export async function nothingLeft(one: EntryMaster, ...nodes: EntryNode[]): Promise<void> {
  await until('no client left', () => one.entry.clients.passed + one.entry.clients.held === 0);
  await until('no connection left', () => one.link.connections === 0);
  await until('no link left', () => nodes.every(({ server }) => server.connections.proven === 0));
}
