import { createWorker } from 'mediasoup';
import type { Router, WebRtcTransport } from 'mediasoup/types';
import { pino } from 'pino';
import type { Browser } from 'playwright-core';
import { DataBus } from '../../../node-image/media/data/data-bus';
import { DataInlet } from '../../../node-image/media/data/data-inlet';
import { type DataKind, dataTransportOptions } from '../../../node-image/media/data/data-kinds';
import { DataOutlet } from '../../../node-image/media/data/data-outlet';
import { launchRawChromium, RawPeer } from './raw-peer';

export const log = pino({ level: 'silent' });

/** A worker with one Router and its bus, and a Chromium. */
export class Harness {
  readonly #browser: Browser;
  readonly #closeWorker: () => void;

  private constructor(
    readonly router: Router,
    readonly bus: DataBus,
    browser: Browser,
    closeWorker: () => void,
  ) {
    this.#browser = browser;
    this.#closeWorker = closeWorker;
  }

  static async start(): Promise<Harness> {
    const worker = await createWorker({ logLevel: 'none' });
    const router = await worker.createRouter({ mediaCodecs: [] });
    const bus = await DataBus.create({ router, log });
    return new Harness(router, bus, await launchRawChromium(), () => worker.close());
  }

  async close(): Promise<void> {
    await this.#browser.close();
    this.#closeWorker();
  }

  transport(): Promise<WebRtcTransport> {
    return this.router.createWebRtcTransport({
      listenInfos: [
        // A burst of one client may be larger than what a socket holds by default.
        {
          protocol: 'udp',
          ip: '127.0.0.1',
          recvBufferSize: 2 * 1024 * 1024,
          sendBufferSize: 2 * 1024 * 1024,
        },
      ],
      ...dataTransportOptions,
    });
  }

  page(): Promise<RawPeer> {
    return RawPeer.open(this.#browser);
  }

  /** An inlet that notes its messages. */
  async inlet(transport: WebRtcTransport) {
    const messages: { kind: DataKind; payload: Buffer }[] = [];
    const inlet = await DataInlet.create({
      bus: this.bus,
      transport,
      log,
      onMessage: (kind, payload) => messages.push({ kind, payload }),
    });
    return { inlet, messages };
  }

  /** An outlet towards a page that has not connected yet. */
  async outlet() {
    const transport = await this.transport();
    const overflows: number[] = [];
    const outlet = await DataOutlet.create({
      bus: this.bus,
      transport,
      log,
      onOverflow: () => overflows.push(Date.now()),
    });
    return { transport, outlet, overflows };
  }

  /** An outlet, and a page whose three channels are open. */
  async receiver() {
    const { transport, outlet, overflows } = await this.outlet();
    const page = await this.page();
    await page.subscribe(transport);
    await page.untilOpen(['_data_track', '_lossy', '_reliable']);
    return { transport, outlet, overflows, page };
  }
}
