import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

/** What the receiving side of a page's peer connections counts. */
export interface Received {
  readonly framesDecoded: number;
  /** Of the largest video. */
  readonly frameHeight: number;
  /** Of all audio; above 0 when something was heard. */
  readonly audioEnergy: number;
}

/**
 * Chromium with a made-up camera and microphone that nobody has to allow.
 *
 * @throws when there is no Chromium at CHROMIUM_BIN or /usr/bin/chromium.
 */
export async function launchChromium(extraFlags: readonly string[] = []): Promise<Browser> {
  const executablePath = process.env['CHROMIUM_BIN'] ?? '/usr/bin/chromium';
  if (!existsSync(executablePath)) {
    throw new Error(
      `no Chromium at ${executablePath}: install the package "chromium", or name one in CHROMIUM_BIN`,
    );
  }
  return chromium.launch({
    executablePath,
    args: [
      '--headless=new',
      '--no-sandbox',
      '--disable-background-networking',
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      '--autoplay-policy=no-user-gesture-required',
      ...extraFlags,
    ],
  });
}

/** A page of the meeting, with its complaints collected. */
export interface MeetPage {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Uncaught errors, and what its Content-Security-Policy stopped. */
  readonly complaints: string[];
  received(): Promise<Received>;
}

/** Opens the lobby as somebody new would: nothing stored, nothing cached. */
export async function openMeet(
  browser: Browser,
  url: string,
  options: { width?: number; height?: number; prepare?: (page: Page) => Promise<void> } = {},
): Promise<MeetPage> {
  const { width = 1280, height = 800, prepare } = options;
  const context = await browser.newContext({ viewport: { width, height } });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (/content security policy/i.test(message.text())) complaints.push(message.text());
  });
  // tsx keeps function names by calls of `__name`, which functions sent to the page bring along.
  await page.addInitScript({ content: 'globalThis.__name = (f) => f;' });
  await page.addInitScript(keepPeerConnections);
  await prepare?.(page);
  await page.goto(url);
  return { context, page, complaints, received: () => page.evaluate(readStats) };
}

/** Presses the join button, and waits for the conference. */
export async function join(page: Page, name?: string): Promise<void> {
  if (name !== undefined) await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Join room' }).click();
  await page.getByRole('button', { name: 'Leave' }).waitFor({ timeout: 15_000 });
}

// Both run in the browser, so they may use nothing from outside themselves.

function keepPeerConnections(): void {
  const kept: RTCPeerConnection[] = [];
  const Native = window.RTCPeerConnection;
  Object.assign(window, {
    keptPeerConnections: kept,
    RTCPeerConnection: class extends Native {
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        kept.push(this);
      }
    },
  });
}

async function readStats(): Promise<Received> {
  const { keptPeerConnections } = window as unknown as { keptPeerConnections: RTCPeerConnection[] };
  let framesDecoded = 0;
  let frameHeight = 0;
  let audioEnergy = 0;
  for (const connection of keptPeerConnections) {
    const report = await connection.getStats();
    for (const [, stats] of report as unknown as Map<string, RTCInboundRtpStreamStats>) {
      if (stats.type !== 'inbound-rtp') continue;
      framesDecoded += stats.framesDecoded ?? 0;
      frameHeight = Math.max(frameHeight, stats.frameHeight ?? 0);
      audioEnergy += stats.totalAudioEnergy ?? 0;
    }
  }
  return { framesDecoded, frameHeight, audioEnergy };
}
