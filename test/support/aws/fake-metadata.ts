import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * EC2's instance metadata, version 2: without a token that it has given it answers 401, and 404 for
 * what there is not. Source: EC2 User Guide, "Use the Instance Metadata Service to access instance
 * metadata" and "Troubleshoot issues with the metadata service".
 */
export class FakeMetadata {
  /** By path, below latest/meta-data/. */
  readonly values = new Map<string, string>();
  /** Answers with this status instead. */
  failsWith: number | undefined;
  /** Says nothing at all. */
  isSilent = false;
  tokensGiven = 0;
  /** Requests without a token, as version 1 sends them. */
  untokened = 0;
  readonly url: string;
  readonly #server: Server;
  readonly #tokens = new Set<string>();

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(values: Readonly<Record<string, string>> = {}): Promise<FakeMetadata> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const metadata = new FakeMetadata(server);
    for (const [path, value] of Object.entries(values)) metadata.values.set(path, value);
    server.on('request', (request, response) => metadata.#answer(request, response));
    return metadata;
  }

  /** Tokens that were given count no more. */
  forgetTokens(): void {
    this.#tokens.clear();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (this.isSilent) return;
    const [status, body] = this.#answerTo(request);
    response.statusCode = status;
    response.end(body);
  }

  #answerTo({ method, url = '', headers }: IncomingMessage): readonly [number, string] {
    if (this.failsWith !== undefined) return [this.failsWith, ''];
    if (url === '/latest/api/token') {
      const seconds = Number(headers['x-aws-ec2-metadata-token-ttl-seconds']);
      if (method !== 'PUT' || !(seconds >= 1 && seconds <= 21_600)) return [400, ''];
      this.tokensGiven += 1;
      const token = `token-${this.tokensGiven}`;
      this.#tokens.add(token);
      return [200, token];
    }
    const token = headers['x-aws-ec2-metadata-token'];
    if (token === undefined) this.untokened += 1;
    if (!this.#tokens.has(String(token))) return [401, ''];
    const value = this.values.get(url.replace('/latest/meta-data/', ''));
    return value === undefined ? [404, ''] : [200, value];
  }
}
