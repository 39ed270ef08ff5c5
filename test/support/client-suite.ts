import { randomUUID } from 'node:crypto';
import { after, afterEach, before } from 'node:test';
import { RoomServiceClient } from 'livekit-server-sdk';
import { openBrowser, type TestBrowser, type TestPage } from './browser';
import { BrowserClient } from './client';
import type { ClientOptions } from './page/client';
import { type ServerOptions, startServer, type TestServer } from './server';
import { joinToken, type TokenOptions } from './tokens';

export interface JoinOptions extends ClientOptions {
  readonly token?: TokenOptions;
  /** In which page to live. @default the one page that all clients of the file share */
  readonly page?: TestPage;
  /** Where to connect to. @default the server's own address */
  readonly url?: string;
}

/** What the tests of one file share: a server, a browser, and the clients of the test that runs. */
export interface ClientSuite {
  readonly server: TestServer;
  readonly api: RoomServiceClient;
  readonly page: TestPage;
  /** A name that no other test uses. */
  roomName(): string;
  openPage(): Promise<TestPage>;
  /** Joins a Room from a page; leaves it when the test ends. */
  join(room: string, identity: string, options?: JoinOptions): Promise<BrowserClient>;
  /** A client that the test connects by itself. */
  make(identity: string, options?: JoinOptions): Promise<BrowserClient>;
  token(room: string, identity: string, options?: TokenOptions): Promise<string>;
}

/** Sets up a server and a browser for all tests of this file, and prints their logs when one fails. */
export function clientSuite(options: ServerOptions = {}): ClientSuite {
  let server: TestServer | undefined;
  let browser: TestBrowser | undefined;
  let page: TestPage | undefined;
  const clients: BrowserClient[] = [];
  const pages: TestPage[] = [];

  before(async () => {
    server = await startServer(options);
    browser = await openBrowser();
    page = await browser.openPage();
  });

  afterEach(async (context) => {
    const failed = 'passed' in context && context.passed === false;
    await Promise.allSettled(clients.splice(0).map((client) => client.leave()));
    const pageLog = [page, ...pages].map((p) => p?.takeLog() ?? '').join('');
    const serverLog = server?.takeLog() ?? '';
    if (failed) process.stderr.write(`--- server\n${tail(serverLog)}--- page\n${tail(pageLog)}`);
    await Promise.allSettled(pages.splice(0).map((p) => p.close()));
  });

  after(async () => {
    await browser?.close();
    await server?.close();
  });

  const suite: ClientSuite = {
    get server() {
      return started(server);
    },
    get api() {
      const { httpUrl, apiKey, apiSecret } = started(server);
      return new RoomServiceClient(httpUrl, apiKey, apiSecret);
    },
    get page() {
      return started(page);
    },
    roomName: () => `room-${randomUUID().slice(0, 8)}`,
    openPage: async () => {
      const opened = await started(browser).openPage();
      pages.push(opened);
      return opened;
    },
    token: (room, identity, tokenOptions) => joinToken(suite.server, room, identity, tokenOptions),
    make: async (identity, joinOptions = {}) => {
      const { token, page: where, url, ...clientOptions } = joinOptions;
      const client = await BrowserClient.make(where ?? suite.page, identity, clientOptions);
      clients.push(client);
      return client;
    },
    join: async (room, identity, joinOptions = {}) => {
      const client = await suite.make(identity, joinOptions);
      const token = await suite.token(room, identity, joinOptions.token);
      await client.connect(joinOptions.url ?? suite.server.url, token);
      return client;
    },
  };
  return suite;
}

function started<T>(thing: T | undefined): T {
  if (thing === undefined) throw new Error('used before the suite was set up');
  return thing;
}

function tail(log: string, lines = 120): string {
  return `${log.split('\n').slice(-lines).join('\n')}\n`;
}
