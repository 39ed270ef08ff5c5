import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import type { ErrorData, Events, default as HlsClass } from 'hls.js';
import type { Page } from 'playwright-core';
import { openBrowser, type TestBrowser } from '../../../support/browser';
import { listenOnLoopback, serveFile } from '../../ingress/media-origin';

/** What a player made of a recording that it has played to its end. */
export interface Played {
  /** s: where it stood at the end. */
  readonly seconds: number;
  /** s: of all that was played, without what was leapt over. */
  readonly covered: number;
  /** 0 of sound alone. */
  readonly width: number;
  readonly height: number;
  /** Pictures that were shown, or left out where the machine had no time for them. */
  readonly pictures: number;
}

const HLS = require.resolve('hls.js/dist/hls.min.js');

/** Chromium, and a plain web server of a folder before it. */
export class Player {
  private constructor(
    readonly browser: TestBrowser,
    readonly server: Server,
    readonly url: string,
  ) {}

  static async open(folder: string): Promise<Player> {
    const server = createServer((request, response) => {
      const path = decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname);
      response.setHeader('access-control-allow-origin', '*');
      void serveFile(join(folder, path), request.headers.range, response);
    });
    const url = await listenOnLoopback(server);
    return new Player(await openBrowser(), server, url);
  }

  /** @param path - below the folder */
  file(path: string): Promise<Played> {
    return this.#withPage((page) => page.evaluate(playedFile, `${this.url}/${path}`));
  }

  /** @param path - of a playlist below the folder; hls.js plays it */
  hls(path: string): Promise<Played> {
    return this.#withPage(async (page) => {
      await page.addScriptTag({ path: HLS });
      return page.evaluate(playedHls, `${this.url}/${path}`);
    });
  }

  async close(): Promise<void> {
    await this.browser.close();
    this.server.closeAllConnections();
    this.server.close();
  }

  async #withPage(play: (page: Page) => Promise<Played>): Promise<Played> {
    const { page, close } = await this.browser.openPage();
    try {
      await page.addScriptTag({ content: `globalThis.played = ${playToEnd.toString()}` });
      return await play(page);
    } finally {
      await close();
    }
  }
}

declare global {
  // Of the page.
  var Hls: typeof HlsClass;
  var played: (video: HTMLVideoElement) => Promise<Played>;
}

/** In the page: at twice its speed. @throws where it stands still for 15 s, with what was there */
async function playToEnd(video: HTMLVideoElement): Promise<Played> {
  await new Promise((resolve, reject) => {
    let [last, stood] = [-1, 0];
    const watch = setInterval(() => {
      stood = video.currentTime === last ? stood + 1 : 0;
      last = video.currentTime;
      if (stood < 15) return;
      clearInterval(watch);
      const there = Array.from(
        { length: video.buffered.length },
        (_, at) => `${video.buffered.start(at)} to ${video.buffered.end(at)} s`,
      );
      const state = `ready state ${video.readyState}, of ${video.duration} s`;
      reject(new Error(`it stands at ${last} s, with ${there.join(', ')} (${state})`));
    }, 1000);
    video.onended = () => {
      clearInterval(watch);
      resolve(undefined);
    };
    video.onerror = () => reject(new Error(`${video.error?.code}: ${video.error?.message}`));
    video.play().catch(reject);
    video.playbackRate = 2;
  });
  let covered = 0;
  for (let at = 0; at < video.played.length; at += 1) {
    covered += video.played.end(at) - video.played.start(at);
  }
  return {
    ...{ seconds: video.currentTime, covered },
    ...{ width: video.videoWidth, height: video.videoHeight },
    pictures: video.getVideoPlaybackQuality().totalVideoFrames,
  };
}

/** In the page. */
function playedFile(url: string): Promise<Played> {
  const video = document.createElement('video');
  video.src = url;
  return played(video);
}

/** In the page. */
function playedHls(url: string): Promise<Played> {
  const video = document.createElement('video');
  const hls = new Hls();
  return new Promise((resolve, reject) => {
    hls.on('hlsError' as Events.ERROR, (_event, { fatal, details, error }: ErrorData) => {
      if (fatal) reject(new Error(`${details}: ${error.message}`));
    });
    hls.loadSource(url);
    hls.attachMedia(video);
    played(video).then(resolve, reject);
  });
}
