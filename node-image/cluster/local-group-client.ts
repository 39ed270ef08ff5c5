import { request } from 'node:http';
import { z } from 'zod';
import type { GroupDescription, NodeGroup } from './node-group';

const TIMEOUT_MS = 5000;

const descriptionSchema = z.object({
  wanted: z.int().min(0),
  machines: z.array(
    z.object({
      id: z.string().min(1),
      state: z.enum(['starting', 'running', 'stopping']),
      ageMs: z.number(),
    }),
  ),
});

export interface SocketGroupOptions {
  /** sluice.scaling.group_socket: the Unix socket that `sluice up` answers on. */
  readonly socket: string;
  /** Until the whole answer is there. @default 5000 */
  readonly timeoutMs?: number;
}

/** The group of Media Nodes does not do what was asked. The text is for people. */
export class GroupError extends Error {
  override readonly name = 'GroupError';
}

/**
 * The Media Nodes of a cluster on one computer, which `sluice up` starts and stops.
 *
 * Every method rejects with GroupError where it cannot be done.
 */
export class SocketGroup implements NodeGroup {
  readonly kind = 'local';
  readonly #options: SocketGroupOptions;

  constructor(options: SocketGroupOptions) {
    this.#options = options;
  }

  async describe(): Promise<GroupDescription> {
    const text = await this.#call('GET', '/machines');
    try {
      return descriptionSchema.parse(JSON.parse(text));
    } catch {
      throw new GroupError(
        `${this.#options.socket} answers ${JSON.stringify(text.slice(0, 100))}, which is no group of Media Nodes; is that the socket of \`sluice up\`?`,
      );
    }
  }

  async grow(count: number): Promise<void> {
    await this.#call('POST', '/machines', { count });
  }

  async terminate(machineId: string): Promise<void> {
    await this.#call('DELETE', `/machines/${encodeURIComponent(machineId)}`);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** @returns the body of the answer. */
  #call(method: string, path: string, body?: unknown): Promise<string> {
    const { socket, timeoutMs = TIMEOUT_MS } = this.#options;
    return new Promise((resolve, reject) => {
      const fail = (why: string): void =>
        reject(new GroupError(`the group of Media Nodes at ${socket} ${why}`));
      const call = request(
        {
          socketPath: socket,
          method,
          path,
          signal: AbortSignal.timeout(timeoutMs),
          // A connection that was kept may belong to a `sluice up` that is gone.
          agent: false,
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => {
            text += chunk;
          });
          response.on('error', (error) => fail(`broke off: ${error.message}`));
          response.on('end', () => {
            const { statusCode = 0 } = response;
            if (statusCode >= 200 && statusCode < 300) {
              resolve(text);
            } else {
              fail(`answers ${statusCode}: ${text.slice(0, 500)}`);
            }
          });
        },
      );
      call.on('error', (error) =>
        fail(
          error.name === 'AbortError' || error.name === 'TimeoutError'
            ? `does not answer within ${timeoutMs} ms`
            : `cannot be reached (${error.message}); it is there while \`sluice up\` runs`,
        ),
      );
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}
