import { readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BrowserContext, Page } from 'playwright-core';
import { SourceError } from '../source';
import { browserStart } from './browser-start';

export interface BrowserOptions {
  /** The program. */
  readonly program: string;
  /** px */
  readonly width: number;
  readonly height: number;
  /** A folder of this recording alone. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** Chromium's own; it cannot have it as root, nor in most containers. */
  readonly sandbox: boolean;
  /** Certificates are not looked at. */
  readonly insecure: boolean;
  /** The URL of a proxy that all goes through but what is on the loopback. */
  readonly proxy: string;
}

const LAUNCH_MS = 30_000;
const CLOSE_MS = 5000;

/** A browser that shows one page, on all of its display. */
export class Browser {
  readonly page: Page;
  /** Settles when the browser or its page has gone. */
  readonly ended: Promise<string>;
  /** 0: not known. */
  readonly pid: number;
  readonly #context: BrowserContext;

  private constructor(context: BrowserContext, page: Page, pid: number) {
    this.#context = context;
    this.page = page;
    this.pid = pid;
    this.ended = new Promise((resolve) => {
      context.once('close', () => resolve('the browser ended'));
      page.once('crash', () => resolve('the page crashed'));
      page.once('close', () => resolve('the page was closed'));
    });
  }

  /** @throws SourceError */
  static async launch(options: BrowserOptions): Promise<Browser> {
    const { program, width, height, folder, env, sandbox, insecure, proxy } = options;
    try {
      // Not before a page is recorded: it takes a node a part of a second to load.
      const { chromium } = await import('playwright-core');
      const context = await chromium.launchPersistentContext(join(folder, 'profile'), {
        executablePath: await browserStart(program, folder),
        headless: false,
        viewport: null,
        chromiumSandbox: sandbox,
        ignoreHTTPSErrors: insecure,
        acceptDownloads: false,
        timeout: LAUNCH_MS,
        env: { PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8', ...env, HOME: folder },
        // "Controlled by automated test software" is not to be in the picture.
        ignoreDefaultArgs: ['--enable-automation', '--mute-audio', '--hide-scrollbars'],
        args: [
          '--kiosk',
          `--window-size=${width},${height}`,
          '--window-position=0,0',
          '--autoplay-policy=no-user-gesture-required',
          '--disable-gpu',
          '--disable-notifications',
          '--disable-translate',
          '--disable-infobars',
          '--hide-scrollbars',
          '--use-fake-ui-for-media-stream',
          '--noerrdialogs',
          // Shared memory of containers is small.
          '--disable-dev-shm-usage',
          `--proxy-server=${proxy}`,
          // Without more, link-local addresses would go past the proxy as well.
          '--proxy-bypass-list=<-loopback>;127.0.0.1;[::1];localhost',
        ],
      });
      const page = context.pages()[0] ?? (await context.newPage());
      return new Browser(context, page, await pidOf(join(folder, 'profile')));
    } catch (error) {
      const text = error instanceof Error ? error.message.split('\n', 1).join('') : String(error);
      throw new SourceError(`The browser (${program}) could not be started: ${text}`, 500, {
        cause: error,
      });
    }
  }

  /** In order, or by force where it does not answer. Idempotent. */
  async close(): Promise<void> {
    const closed = this.#context.close().then(
      () => true,
      () => false,
    );
    const isClosed = await Promise.race([closed, sleep(CLOSE_MS, false, { ref: false })]);
    if (!isClosed && this.pid > 0) killGroup(this.pid);
  }
}

/** Chromium writes it into its profile: a link to `HOST-PID`. */
async function pidOf(profile: string): Promise<number> {
  try {
    return Number((await readlink(join(profile, 'SingletonLock'))).replace(/^.*-/, '')) || 0;
  } catch {
    return 0;
  }
}

/** It is started as the first of a group of its own. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
