import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import fastify from 'fastify';
import { type ConsoleOptions, registerConsole } from '../../node-image/console/console-routes';

/** A small server with nothing but the page on it. */
export interface PageServer {
  /** http://, without a path. */
  readonly url: string;
  close(): Promise<void>;
}

/** Builds the page when it is older than its sources. */
export function buildPage(): void {
  execFileSync(process.execPath, [join(__dirname, '../../scripts/build-page.mjs')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Starts a server for the page, on a port of its own. */
export async function servePage(options: ConsoleOptions): Promise<PageServer> {
  const app = fastify();
  await registerConsole(app, options);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return { url, close: () => app.close() };
}
