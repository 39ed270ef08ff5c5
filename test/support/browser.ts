import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';

const E2EE_WORKER = require.resolve('livekit-client/e2ee-worker');

/** Chromium, and the one local origin that its pages come from. */
export interface TestBrowser {
  /** An empty page that carries livekit-client and the helpers of `page/`. */
  openPage(): Promise<TestPage>;
  close(): Promise<void>;
}

export interface TestPage {
  readonly page: Page;
  /** What the page wrote to its console since the last call. */
  takeLog(): string;
  close(): Promise<void>;
}

/**
 * Starts a headless Chromium.
 *
 * The binary is CHROMIUM_BIN, or /usr/bin/chromium where that is not set.
 *
 * @param args - of Chromium, beside the usual ones. @default none
 */
export async function openBrowser(args: readonly string[] = []): Promise<TestBrowser> {
  const origin = await servePages();
  const browser = await launch(args);
  return {
    openPage: () => openPage(browser, origin.url),
    close: async () => {
      await browser.close();
      await origin.close();
    },
  };
}

function launch(args: readonly string[]): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env['CHROMIUM_BIN'] ?? '/usr/bin/chromium',
    headless: false,
    args: [
      '--headless=new',
      '--no-sandbox',
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      '--autoplay-policy=no-user-gesture-required',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--mute-audio',
      ...args,
    ],
  });
}

async function openPage(browser: Browser, url: string): Promise<TestPage> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const log: string[] = [];
  page.on('console', (message) => log.push(`${message.type()} ${message.text()}\n`));
  page.on('pageerror', (error) => log.push(`uncaught ${error.stack ?? error.message}\n`));
  await page.goto(url);
  return { page, takeLog: () => log.splice(0).join(''), close: () => page.close() };
}

interface Origin {
  readonly url: string;
  close(): Promise<void>;
}

/** 127.0.0.1 counts as a secure context, so that pages may use every media API. */
async function servePages(): Promise<Origin> {
  const files = new Map<string, { type: string; body: string | Uint8Array }>([
    ['/', { type: 'text/html', body: PAGE }],
    ['/page.js', { type: 'text/javascript', body: await bundlePage() }],
    ['/e2ee-worker.js', { type: 'text/javascript', body: await readFile(E2EE_WORKER) }],
  ]);
  const server = createServer((request, response) => {
    const file = files.get(request.url ?? '/');
    if (!file) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-type': `${file.type}; charset=utf-8` }).end(file.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

// tsx keeps function names by calls of `__name`, which functions sent to the page bring along.
const PAGE = `<!doctype html><title>test</title><style>body{margin:0}</style><body>
<script>globalThis.__name = (f) => f</script><script src="/page.js"></script>`;

async function bundlePage(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [join(__dirname, 'page', 'index.ts')],
    bundle: true,
    write: false,
    format: 'iife',
    target: 'es2022',
    logLevel: 'error',
  });
  const [file] = outputFiles;
  if (!file) throw new Error('esbuild made no file of the page');
  return file.contents;
}
