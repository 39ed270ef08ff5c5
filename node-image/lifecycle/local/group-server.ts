import { once } from 'node:events';
import { chmod } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { z } from 'zod';
import type { NodeGroup } from '../../cluster/node-group';
import { GroupFullError } from './local-group';

const MAX_BODY_BYTES = 10_000;
const MACHINE_PATH = /^\/machines\/([\w-]{1,64})$/;
const growSchema = z.strictObject({ count: z.int().min(1).max(100) });

class BadRequestError extends Error {}

/**
 * The group of a local cluster for the Master Nodes, over a Unix socket that only this user can
 * open: GET /machines, POST /machines {"count": 1}, DELETE /machines/media-1.
 */
export class GroupServer {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async listen(options: {
    readonly group: NodeGroup;
    readonly socket: string;
  }): Promise<GroupServer> {
    const { group, socket } = options;
    const server = createServer((request, response) => void answer(group, request, response));
    server.listen(socket);
    await once(server, 'listening');
    await chmod(socket, 0o600);
    return new GroupServer(server);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    if (this.#server.listening) {
      this.#server.close();
      this.#server.closeAllConnections();
      await once(this.#server, 'close');
    }
  }
}

async function answer(
  group: NodeGroup,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const send = (status: number, body?: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(body === undefined ? '' : JSON.stringify(body));
  };
  try {
    const { method, url = '' } = request;
    const machine = MACHINE_PATH.exec(url)?.[1];
    if (method === 'GET' && url === '/machines') {
      send(200, await group.describe());
    } else if (method === 'POST' && url === '/machines') {
      await group.grow(await countOf(request));
      send(204);
    } else if (method === 'DELETE' && machine !== undefined) {
      await group.terminate(machine);
      send(204);
    } else {
      send(404, { error: `there is no ${method} ${url} here; allowed is /machines` });
    }
  } catch (error) {
    const status =
      error instanceof BadRequestError ? 400 : error instanceof GroupFullError ? 409 : 500;
    send(status, { error: error instanceof Error ? error.message : String(error) });
  }
}

async function countOf(request: IncomingMessage): Promise<number> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) {
      throw new BadRequestError(`the body has more than ${MAX_BODY_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString();
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    given = undefined;
  }
  const { success, data } = growSchema.safeParse(given);
  if (!success) {
    throw new BadRequestError(
      `the body is given as ${JSON.stringify(text.slice(0, 100))}; allowed is {"count": n}, with n from 1 to 100`,
    );
  }
  return data.count;
}
