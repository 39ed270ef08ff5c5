import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
};
const FILES: Readonly<Record<string, string>> = {
  '/': 'index.html',
  '/main.js': 'main.js',
  '/main.css': 'main.css',
};

/**
 * Serves the page of Room composites to the browsers of this node, on a port of the loopback that
 * the system chooses: opened when the first one is recorded.
 */
export class PageServer {
  readonly #folder: string;
  #opening: Promise<Server> | undefined;
  #closed = false;

  /** @param folder - what scripts/build-page.mjs wrote. @default dist beside this file */
  constructor(folder = join(__dirname, 'dist')) {
    this.#folder = folder;
  }

  /** Its address, such as http://127.0.0.1:40001. @throws Error where the page is not built */
  async url(): Promise<string> {
    if (this.#closed) throw new Error('this node ends');
    this.#opening ??= this.#open();
    try {
      const { port } = (await this.#opening).address() as AddressInfo;
      return `http://127.0.0.1:${port}`;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    const server = await this.#opening?.catch(() => undefined);
    server?.closeAllConnections();
    server?.close();
  }

  async #open(): Promise<Server> {
    const files = new Map<string, { type: string; body: Buffer }>();
    for (const [path, name] of Object.entries(FILES)) {
      const body = await readFile(join(this.#folder, name)).catch((error: unknown) => {
        const text = 'The page of Room composites is not built. Run: node scripts/build-page.mjs';
        throw new Error(text, { cause: error });
      });
      files.set(path, { type: TYPES[name.split('.').at(-1) ?? ''] ?? 'text/plain', body });
    }
    const server = createServer((request, response) => {
      const file = files.get((request.url ?? '').split('?', 1).join(''));
      response.writeHead(file ? 200 : 404, { 'content-type': file?.type ?? 'text/plain' });
      response.end(file?.body);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return server;
  }
}
