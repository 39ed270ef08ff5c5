import assert from 'node:assert/strict';
import type { JSHandle } from 'playwright-core';
import type { TestPage } from './browser';
import type { ClientOptions, PageClient, SeenEvent, Source } from './page/client';
import type { Inbound, Outbound } from './page/stats';
import { until } from './wait';

/** What must be decoded before a picture counts as seen. */
export interface FramesExpected {
  /** Frames from now on. @default 10 */
  readonly frames?: number;
  readonly width?: number;
  readonly height?: number;
  /** @default 10000 */
  readonly timeoutMs?: number;
}

/** A participant in a page, driven from Node. */
export class BrowserClient {
  readonly identity: string;
  readonly #handle: JSHandle<PageClient>;

  private constructor(identity: string, handle: JSHandle<PageClient>) {
    this.identity = identity;
    this.#handle = handle;
  }

  /** Makes a client that has not joined yet. */
  static async make(page: TestPage, identity: string, options: ClientOptions) {
    const handle = await page.page.evaluateHandle(
      (o) => window.makeClient(o as ClientOptions),
      options,
    );
    return new BrowserClient(identity, handle);
  }

  connect(url: string, token: string): Promise<void> {
    return this.run((client, [u, t]) => client.connect(u, t), [url, token] as const);
  }

  /** Runs a function in the page; it sees its two arguments and nothing else of the test. */
  run<R>(f: (client: PageClient) => R | Promise<R>): Promise<R>;
  run<R, A>(f: (client: PageClient, arg: A) => R | Promise<R>, arg: A): Promise<R>;
  run(f: unknown, arg?: unknown): Promise<unknown> {
    return this.#handle.evaluate(f as (client: PageClient, arg: unknown) => unknown, arg);
  }

  /** Runs `f` in the page until it answers something truthy. */
  until<R>(what: string, f: (client: PageClient) => R | Promise<R>, timeoutMs?: number): Promise<R>;
  until<R, A>(
    what: string,
    f: (client: PageClient, arg: A) => R | Promise<R>,
    timeoutMs: number,
    arg: A,
  ): Promise<R>;
  until<R>(
    what: string,
    f: (client: PageClient, arg: unknown) => R | Promise<R>,
    timeoutMs = 10_000,
    arg?: unknown,
  ): Promise<R> {
    return until(`${this.identity}: ${what}`, () => this.run(f, arg), {
      timeoutMs,
      explain: () => this.describe(),
    });
  }

  /** Waits for an event whose arguments, as far as given, are these. */
  event(name: string, args: readonly unknown[] = [], timeoutMs = 10_000): Promise<SeenEvent> {
    return this.until(
      `event ${name} ${JSON.stringify(args)}`,
      (client, [n, expected]) =>
        client.events.find(
          (event) =>
            event.name === n &&
            expected.every(
              (arg, i) => arg === null || JSON.stringify(event.args[i]) === JSON.stringify(arg),
            ),
        ),
      timeoutMs,
      [name, args] as const,
    ) as Promise<SeenEvent>;
  }

  forgetEvents(): Promise<void> {
    return this.run((client) => {
      client.events.length = 0;
    });
  }

  /** Waits until the picture of a participant moves, in the wanted size. */
  async sees(identity: string, source: Source = 'camera', expected: FramesExpected = {}) {
    const { frames = 10, width, height, timeoutMs = 10_000 } = expected;
    const before = (await this.inbound(identity, source))?.framesDecoded ?? 0;
    let last: Inbound | undefined;
    return await until(
      `${this.identity} to decode ${frames} frames of ${identity}'s ${source} ${width ?? '*'}x${height ?? '*'}`,
      async () => {
        last = await this.inbound(identity, source);
        if (!last || last.framesDecoded < before + frames) return undefined;
        if (width !== undefined && last.width !== width) return undefined;
        if (height !== undefined && last.height !== height) return undefined;
        return last;
      },
      { timeoutMs, explain: async () => `${JSON.stringify(last)}\n${await this.describe()}` },
    ).then((inbound) => inbound as Inbound);
  }

  /** Waits until a participant's sound has been played for about half a second. */
  async hears(identity: string, source: Source = 'microphone', timeoutMs = 10_000) {
    const before = (await this.inbound(identity, source))?.energy ?? 0;
    let last: Inbound | undefined;
    return (await until(
      `${this.identity} to hear ${identity}'s ${source}`,
      async () => {
        last = await this.inbound(identity, source);
        return last && last.energy > before + 0.01 ? last : undefined;
      },
      { timeoutMs, explain: async () => `${JSON.stringify(last)}\n${await this.describe()}` },
    )) as Inbound;
  }

  /** Asserts that nothing is decoded of a track for `forMs`, after `settleMs` for what was on its way. */
  async seesNothing(identity: string, source: Source = 'camera', forMs = 1_000, settleMs = 500) {
    const count = async (): Promise<number> =>
      (await this.inbound(identity, source))?.framesDecoded ?? 0;
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    const before = await count();
    await new Promise((resolve) => setTimeout(resolve, forMs));
    const decoded = (await count()) - before;
    assert.ok(
      decoded <= 1,
      `${this.identity} decoded ${decoded} frames of ${identity}'s ${source}`,
    );
  }

  inbound(identity: string, source: Source): Promise<Inbound | undefined> {
    return this.run((client, [i, s]) => client.inbound(i, s), [identity, source] as const);
  }

  outbound(source: Source): Promise<Outbound[]> {
    return this.run((client, s) => client.outbound(s), source);
  }

  /** The layers that grow within `forMs`, e.g. ['f', 'h', 'q']. */
  async activeLayers(source: Source = 'camera', forMs = 700): Promise<string[]> {
    const before = await this.outbound(source);
    await new Promise((resolve) => setTimeout(resolve, forMs));
    const after = await this.outbound(source);
    return after
      .filter((layer) => {
        const earlier = before.find((other) => other.rid === layer.rid);
        return layer.framesEncoded > (earlier?.framesEncoded ?? 0) + 1;
      })
      .map((layer) => layer.rid)
      .sort();
  }

  leave(): Promise<void> {
    return this.run((client) => client.leave());
  }

  async describe(): Promise<string> {
    const events = await this.run((client) => client.events.slice(-30));
    const lines = events.map((e) => `  ${Math.round(e.at)} ${e.name} ${JSON.stringify(e.args)}`);
    return `last events of ${this.identity}:\n${lines.join('\n')}`;
  }
}
