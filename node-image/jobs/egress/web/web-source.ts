import type { ConsoleMessage, Page } from 'playwright-core';
import { GuardedProxy } from '../../../net/guarded-proxy';
import { strangerAddressOf } from '../../../net/stranger-address';
import {
  type EgressSource,
  type OpenSource,
  type SourceEnd,
  SourceError,
  type SourceInput,
} from '../source';
import { Browser } from './browser';
import { type Display, openDisplay } from './display';
import { openSound, type Sound } from './sound';

export interface WebSourceOptions {
  /** With its secrets: it is told to the browser by its pipe. */
  readonly url: () => Promise<string>;
  /** Recording begins when the page says so, rather than when it is loaded. */
  readonly awaitStartSignal: boolean;
  readonly width: number;
  readonly height: number;
  readonly framerate: number;
  readonly audio: boolean;
  readonly video: boolean;
  /** A folder of this recording alone, closed to others. */
  readonly folder: string;
  readonly browser: string;
  readonly sandbox: boolean;
  readonly insecure: boolean;
  /** ms until a page that never starts is given up. @default 60000 */
  readonly startTimeoutMs?: number;
  /** Something of the page for the log. */
  readonly onPageLog?: (type: string, text: string) => void;
}

/** Of a page, at once: what is more is refused. */
const MAX_CONNECTIONS = 512;
const NAVIGATION_MS = 30_000;
const NAVIGATIONS = 3;
/** Errors of a connection that was just not there yet. Source: livekit/egress, web.go. */
const AGAIN = /ERR_(CERT_VERIFIER_CHANGED|CONNECTION_CLOSED|CONNECTION_RESET|NETWORK_CHANGED)/;
/** So much later a page is on the display than its sound is at the sink, as measured: s. */
const PICTURE_DELAY_S = '0.060';
const START_SIGNAL = 'START_RECORDING';
const END_SIGNAL = 'END_RECORDING';

/** A page, as a browser shows and plays it. */
export class WebSource implements EgressSource {
  readonly #options: WebSourceOptions;
  readonly #closers: (() => Promise<void>)[] = [];
  #end: (end: SourceEnd) => void = () => {};
  readonly #ended: Promise<SourceEnd>;
  #closing: Promise<void> | undefined;

  constructor(options: WebSourceOptions) {
    this.#options = options;
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  async open(signal: AbortSignal): Promise<OpenSource> {
    const { width, height, folder, audio, browser: program } = this.#options;
    const display = await this.#opened(openDisplay({ width, height, folder }), signal);
    const sound = audio ? await this.#opened(openSound(folder), signal) : undefined;
    const { sandbox, insecure } = this.#options;
    const env = { ...display.env, ...sound?.env };
    const proxy = await this.#opened(pageProxy(), signal);
    const how = { program, width, height, folder, env, sandbox, insecure, proxy: proxy.url };
    const browser = await this.#opened(Browser.launch(how), signal);
    this.#watch(display, sound, browser);
    await this.#show(browser.page, signal);
    return {
      inputs: this.#inputs(display, sound),
      startedAtNs: 0n,
      ended: this.#ended,
      pids: [display, browser, ...(sound ? [sound] : [])].map(({ pid }) => pid).filter(Boolean),
    };
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      this.#end({ kind: 'finished', reason: 'Source closed' });
      // The browser before the display it is on.
      for (const close of this.#closers.reverse()) await close().catch(() => {});
    })();
    return this.#closing;
  }

  async #opened<T extends { close(): Promise<void> | void }>(
    opening: Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const opened = await opening;
    if (signal.aborted || this.#closing !== undefined) {
      await opened.close();
      throw new SourceError('The recording was stopped before it began', 499);
    }
    this.#closers.push(async () => opened.close());
    return opened;
  }

  #watch(display: Display, sound: Sound | undefined, browser: Browser): void {
    for (const { ended } of [display, browser, ...(sound ? [sound] : [])]) {
      void ended.then((error) => this.#end({ kind: 'failed', error }));
    }
  }

  async #show(page: Page, signal: AbortSignal): Promise<void> {
    const started = new Promise<void>((resolve) => {
      page.on('console', (message: ConsoleMessage) => {
        const text = message.text();
        if (text === START_SIGNAL) resolve();
        else if (text === END_SIGNAL) this.#end({ kind: 'finished', reason: 'Source closed' });
        else this.#options.onPageLog?.(message.type(), text.slice(0, 500));
      });
    });
    const stopped = new Promise<'stopped'>((resolve) => {
      if (signal.aborted) resolve('stopped');
      signal.addEventListener('abort', () => resolve('stopped'), { once: true });
    });
    const navigated = navigate(page, await this.#options.url());
    if ((await Promise.race([navigated, stopped])) === 'stopped') {
      navigated.catch(() => {});
      throw new SourceError('The recording was stopped before it began', 499);
    }
    const { awaitStartSignal, startTimeoutMs = 60_000 } = this.#options;
    if (awaitStartSignal) await this.#startSignal(page, started, startTimeoutMs, stopped);
  }

  async #startSignal(
    page: Page,
    started: Promise<void>,
    timeoutMs: number,
    stopped: Promise<'stopped'>,
  ) {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), timeoutMs);
    });
    const outcome = await Promise.race([started, late, stopped, this.#ended]);
    clearTimeout(timer);
    if (outcome === undefined) return;
    if (outcome === 'stopped') {
      throw new SourceError('The recording was stopped before it began', 499);
    }
    const said = await errorOnPage(page);
    const why = outcome === 'late' ? `none in ${timeoutMs / 1000} s` : 'the page ended before it';
    throw new SourceError(`Start signal not received: ${why}${said}`, 412);
  }

  #inputs(display: Display, sound: Sound | undefined): SourceInput[] {
    const { width, height, framerate, video } = this.#options;
    const inputs: SourceInput[] = [];
    if (video) {
      inputs.push({
        args: [
          ...['-thread_queue_size', '1024', '-probesize', '32', '-f', 'x11grab'],
          ...['-draw_mouse', '0', '-framerate', String(framerate)],
          ...['-video_size', `${width}x${height}`],
        ],
        from: { device: `${display.name}.0+0,0` },
        env: display.env,
        video: { codec: 'raw', width, height },
      });
    }
    if (sound !== undefined) {
      // Both stamp what they take by the clock: the second is held against the first.
      const sync = video ? ['-isync', '0', '-itsoffset', PICTURE_DELAY_S] : [];
      inputs.push({
        args: [...sync, '-thread_queue_size', '4096', '-f', 'pulse', '-fragment_size', '3840'],
        from: { device: sound.monitor },
        env: sound.env,
        audio: { codec: 'raw' },
      });
    }
    return inputs;
  }
}

const pageProxy = () =>
  GuardedProxy.listen({ addressOf: strangerAddressOf, maxConnections: MAX_CONNECTIONS });

async function navigate(page: Page, url: string): Promise<void> {
  await strangerAddressOf(new URL(url).hostname).catch(({ message }: Error) => {
    throw new SourceError(`The page could not be loaded: ${message}`, 400);
  });
  for (let attempt = 1; ; attempt += 1) {
    try {
      const response = await page.goto(url, { timeout: NAVIGATION_MS, waitUntil: 'load' });
      const status = response?.status() ?? 200;
      if (status >= 400) throw new SourceError(`The page answered HTTP ${status}`, status);
      return;
    } catch (error) {
      if (error instanceof SourceError) throw error;
      const text = error instanceof Error ? error.message : String(error);
      if (attempt < NAVIGATIONS && AGAIN.test(text)) continue;
      // Its text goes on with the address, which may hold a token.
      const [reason = text] = /net::\w+|Timeout \d+ms exceeded/.exec(text) ?? ['no answer'];
      throw new SourceError(`The page could not be loaded: ${reason}`, 400);
    }
  }
}

/** What a template says to people who look at it. Source: livekit/egress, web.go. */
async function errorOnPage(page: Page): Promise<string> {
  try {
    const text = await page.locator('div.error').first().textContent({ timeout: 500 });
    return text ? ` (the page says: ${text.trim().slice(0, 300)})` : '';
  } catch {
    return '';
  }
}
