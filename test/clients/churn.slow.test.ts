import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { RoomServiceClient } from 'livekit-server-sdk';
import { openBrowser, type TestBrowser } from '../support/browser';
import { BrowserClient } from '../support/client';
import { heapInUse, INSPECTED } from '../support/heap';
import { Metrics } from '../support/metrics';
import { type Footprint, footprint } from '../support/proc';
import { startServer, type TestServer } from '../support/server';
import { joinToken } from '../support/tokens';
import { sleep, until } from '../support/wait';

const ROUNDS = 100;
const MEGABYTE = 1024 * 1024;

let server: TestServer;
let browser: TestBrowser;
let started: string;

before(async () => {
  // What a process holds can be read of the project's own server only.
  server = await startServer({ alwaysOwn: true, nodeArgs: INSPECTED });
  started = server.takeLog();
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await server?.close();
});

test(`${ROUNDS} joins and leaves with media leave nothing behind`, {
  timeout: 420_000,
}, async () => {
  const pid = server.own?.pid ?? 0;
  await churn(5, 'warm-up');
  await emptied();
  const start = { ...(await settledFootprint(pid)), heapBytes: await heapInUse(started) };

  await churn(ROUNDS, 'call');
  await emptied();
  const end = { ...(await settledFootprint(pid)), heapBytes: await heapInUse(started) };

  const facts = `${JSON.stringify(start)} became ${JSON.stringify(end)}`;
  assert.equal(end.processes, start.processes, facts);
  assert.ok(end.fileDescriptors <= start.fileDescriptors + 3, facts);
  // Less than 50 kB a call.
  assert.ok(end.heapBytes <= start.heapBytes + 5 * MEGABYTE, facts);
  // What the allocator keeps of it for later levels off; what leaks outside of the heap does not.
  assert.ok(end.rssBytes <= start.rssBytes + 150 * MEGABYTE, facts);
});

/** A viewer stays while a publisher comes and goes. */
async function churn(rounds: number, room: string): Promise<void> {
  const page = await browser.openPage();
  const viewer = await join(page, room, 'viewer');
  for (let round = 0; round < rounds; round++) {
    // A closed page now and then: not everybody says goodbye.
    const guests = await browser.openPage();
    const guest = await join(guests, room, `guest-${round}`);
    await guest.run(async (c) => {
      await c.publishPicture({ picture: { width: 320, height: 180 }, simulcast: false });
      await c.publishTone();
    });
    await viewer.sees(`guest-${round}`, 'camera', { frames: 3 });
    if (round % 10 !== 9) await guest.leave();
    await guests.close();
    await viewer.event('participantDisconnected', [`guest-${round}`], 30_000);
    await viewer.forgetEvents();
  }
  await viewer.leave();
  await page.close();
  await new RoomServiceClient(server.httpUrl, server.apiKey, server.apiSecret).deleteRoom(room);
}

async function join(
  page: Awaited<ReturnType<TestBrowser['openPage']>>,
  room: string,
  identity: string,
): Promise<BrowserClient> {
  const client = await BrowserClient.make(page, identity, {});
  await client.connect(server.url, await joinToken(server, room, identity));
  return client;
}

/** Waits until the node counts no Room, no participant and no track. */
async function emptied(): Promise<void> {
  const url = server.own?.metricsUrl ?? '';
  await until(
    'the node to be empty',
    async () => {
      const metrics = await Metrics.scrape(url);
      return [
        'room_total',
        'participant_total',
        'track_published_total',
        'track_subscribed_total',
      ].every((name) => (metrics.sum(`livekit_${name}`) ?? 0) === 0);
    },
    { timeoutMs: 30_000, intervalMs: 500 },
  );
}

/** What the server holds once closed sockets are gone. */
async function settledFootprint(pid: number): Promise<Footprint> {
  let last = await footprint(pid);
  for (let i = 0; i < 10; i++) {
    await sleep(1_000);
    const now = await footprint(pid);
    if (now.fileDescriptors >= last.fileDescriptors) return now;
    last = now;
  }
  return last;
}
