import { openBrowser, type TestBrowser, type TestPage } from './browser';
import type { CallClient, CallClients } from './call-client';
import { BrowserClient } from './client';
import type { PageClient } from './page/client';
import type { ClientEvent, ClientStatus, SmallClientOptions } from './small-client-protocol';

/** Counts frames as they are decoded, whether the page is shown or not; Chromium has it. */
declare class MediaStreamTrackProcessor {
  constructor(init: { track: MediaStreamTrack });
  readonly readable: ReadableStream<{ close(): void }>;
}

/** What a page keeps of one client. */
interface Seen {
  readonly frames: Record<string, number[]>;
  readonly heardAtMs: Record<string, number>;
  readonly energy: Record<string, number>;
}

type Watched = PageClient & { sights?: Seen };

/** Names of livekit-client, and those of `ClientEvent`; 'connected' comes again after a rejoin. */
const NAMES: Readonly<Record<string, ClientEvent['name']>> = {
  signalReconnecting: 'reconnecting',
  reconnecting: 'reconnecting',
  reconnected: 'reconnected',
  disconnected: 'disconnected',
  participantConnected: 'participantConnected',
  participantDisconnected: 'participantDisconnected',
};

/** Clients of the JavaScript SDK, each in a page of Chromium. They are heavy: take a few. */
export class JsClients implements CallClients {
  readonly #browser: TestBrowser;
  readonly #pages = new Set<TestPage>();
  #closed = false;

  private constructor(browser: TestBrowser) {
    this.#browser = browser;
  }

  static async start(): Promise<JsClients> {
    return new JsClients(await openBrowser());
  }

  async join(...[identity, url, token, options = {}]: Parameters<CallClients['join']>) {
    const page = await this.#browser.openPage();
    this.#pages.add(page);
    const browserClient = await BrowserClient.make(page, identity, { attach: false });
    await browserClient.run(watch);
    await browserClient.run(connect, { url, token, options } as const);
    const joinedAtMs = Date.now();
    const client: CallClient = {
      identity,
      sdk: 'js',
      status: async (sinceMs = 0) => statusOf(identity, joinedAtMs, sinceMs, browserClient),
      leave: async () => {
        await browserClient.leave();
        this.#pages.delete(page);
        await page.close();
      },
    };
    return client;
  }

  /** What the pages wrote to their consoles since the last call. */
  takeLog(): string {
    return [...this.#pages].map((page) => page.takeLog()).join('');
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#browser.close();
  }
}

/** Runs in the page, and sees nothing else of this file. */
function watch(client: Watched): void {
  const seen: Seen = { frames: {}, heardAtMs: {}, energy: {} };
  client.sights = seen;
  const now = (): number => Math.round(performance.timeOrigin + performance.now());
  const readFrames = async (times: number[], track: MediaStreamTrack): Promise<void> => {
    const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      times.push(now());
      next.value.close();
    }
  };
  client.room.on('trackSubscribed', (track, _, { identity }) => {
    // Chromium decodes sound only where it is played.
    if (track.kind === 'audio') {
      client.show(track);
      return;
    }
    const times = seen.frames[identity] ?? [];
    seen.frames[identity] = times;
    void readFrames(times, track.mediaStreamTrack);
  });
  const listen = async (): Promise<void> => {
    for (const identity of client.room.remoteParticipants.keys()) {
      const energy = (await client.inbound(identity, 'microphone'))?.energy ?? 0;
      if (energy > (seen.energy[identity] ?? 0) + 0.001) seen.heardAtMs[identity] = now();
      seen.energy[identity] = energy;
    }
  };
  setInterval(() => void listen().catch(() => undefined), 500);
}

/** Runs in the page. */
async function connect(
  client: PageClient,
  { url, token, options }: { url: string; token: string; options: SmallClientOptions },
): Promise<void> {
  const { audio = true, video = true, subscribe = true } = options;
  await client.room.connect(url, token, { autoSubscribe: subscribe });
  const picture = { width: 160, height: 90, fps: 5 };
  await Promise.all([
    video && client.publishPicture({ picture, simulcast: false }),
    audio && client.publishTone(),
  ]);
}

async function statusOf(
  identity: string,
  joinedAtMs: number,
  sinceMs: number,
  client: BrowserClient,
): Promise<ClientStatus> {
  const page = await client.run(async (one: Watched) => ({
    state: String(one.room.state),
    roomSid: await one.room.getSid(),
    metadata: one.room.metadata ?? '',
    others: [...one.room.remoteParticipants.keys()],
    frames: one.sights?.frames ?? {},
    heardAtMs: one.sights?.heardAtMs ?? {},
    events: one.events.map(({ name, args, at }) => ({
      name,
      detail: String(args[0] ?? ''),
      atMs: Math.round(performance.timeOrigin + at),
    })),
  }));
  const events = page.events.flatMap(({ name, ...rest }): ClientEvent[] => {
    const known = NAMES[name];
    return known === undefined ? [] : [{ name: known, ...rest }];
  });
  const joined: ClientEvent = { name: 'joined', detail: '', atMs: joinedAtMs };
  return {
    ...page,
    identity,
    state: page.state.replace('signalReconnecting', 'reconnecting'),
    events: [joined, ...events].filter(({ atMs }) => atMs >= sinceMs),
    frames: Object.fromEntries(
      Object.entries(page.frames).map(([one, times]) => [
        one,
        times.filter((time) => time >= sinceMs),
      ]),
    ),
  };
}
