import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { AccessToken } from 'livekit-server-sdk';
import type { Browser } from 'playwright-core';
import { startServer, type TestServer } from '../support/server';
import { join, launchChromium, type MeetPage, openMeet } from './meet-browser';
import { buildPage, type PageServer, servePage } from './page-server';

describe('the page, in Chromium', () => {
  let server: TestServer;
  let pages: PageServer;
  let browser: Browser;
  let room = 0;
  before(async () => {
    buildPage();
    server = await startServer();
    pages = await servePage({ ...server, development: true });
    browser = await launchChromium();
  });
  after(async () => {
    await browser?.close();
    await pages?.close();
    await server?.close();
  });

  const opened: MeetPage[] = [];
  afterEach(async () => {
    for (const { context } of opened.splice(0)) await context.close();
  });
  const open = async (url: string, options = {}): Promise<MeetPage> => {
    const meet = await openMeet(browser, url, options);
    opened.push(meet);
    return meet;
  };
  const newRoom = (): string => {
    room += 1;
    const query = new URLSearchParams({ room: `page-${process.pid}-${room}`, url: server.url });
    return `${pages.url}/meet?${query}`;
  };

  test('two people join one room by one click each, and see and hear each other', async () => {
    const url = newRoom();
    const ada = await open(url);
    const grace = await open(url, { width: 390 });
    await join(ada.page, 'Ada');
    await join(grace.page, 'Grace');

    await ada.page.getByRole('figure', { name: 'Grace' }).locator('video').waitFor();
    await grace.page.getByRole('figure', { name: 'Ada' }).locator('video').waitFor();
    await ada.page.getByText('2 people').waitFor();
    for (const person of [ada, grace]) await seesAndHears(person);
    assert.deepEqual([...ada.complaints, ...grace.complaints], []);
  });

  test('a chat message reaches the other, who sees that one is unread', async () => {
    const url = newRoom();
    const ada = await open(url);
    const grace = await open(url);
    await join(ada.page, 'Ada');
    await join(grace.page, 'Grace');
    await ada.page.getByText('2 people').waitFor();
    await grace.page.getByRole('button', { name: 'Chat' }).click();
    await grace.page.getByLabel('Message').fill('Hello, Ada');
    await grace.page.getByRole('button', { name: 'Send' }).click();

    await ada.page.getByRole('button', { name: 'Chat, 1 unread' }).click();
    await ada.page.getByText('Hello, Ada').waitFor();
    await ada.page.getByRole('button', { name: 'Chat', exact: true }).waitFor();
  });

  test('a shared screen is large for the other', async () => {
    const url = newRoom();
    const ada = await open(url);
    const grace = await open(url);
    await join(ada.page, 'Ada');
    await join(grace.page, 'Grace');
    await grace.page.getByRole('button', { name: 'Share screen' }).click();
    const screen = ada.page.getByRole('figure', { name: 'Grace’s screen' });
    await screen.waitFor();
    await waitFor(async () => ((await screen.boundingBox())?.width ?? 0) > 900, 'a large screen');
    await grace.page.getByRole('button', { name: 'Share screen' }).click();
    await screen.waitFor({ state: 'detached' });
  });

  test('who leaves is told so, gone for the other, and joins again by one click', async () => {
    const url = newRoom();
    const ada = await open(url);
    const grace = await open(url);
    await join(ada.page, 'Ada');
    await join(grace.page, 'Grace');
    await ada.page.getByText('2 people').waitFor();
    await grace.page.getByRole('button', { name: 'Leave' }).click();
    await grace.page.getByRole('heading', { name: 'You left the room' }).waitFor();
    await ada.page.getByText('only you').waitFor();
    await grace.page.getByRole('button', { name: 'Join again' }).click();
    await ada.page.getByText('2 people').waitFor();
  });

  test('a refused camera is explained, and does not keep anybody out', async () => {
    const ada = await open(newRoom(), {
      prepare: async (page: MeetPage['page']) =>
        page.addInitScript(() => {
          navigator.mediaDevices.getUserMedia = () =>
            Promise.reject(new DOMException('Permission denied', 'NotAllowedError'));
        }),
    });
    await ada.page.getByText('Allow the camera by the icon beside the address').waitFor();
    await ada.page.getByText('Allow the microphone by the icon').waitFor();
    await join(ada.page, 'Ada');
    await ada.page.getByText('The camera is blocked').waitFor();
    assert.deepEqual(ada.complaints, []);
  });

  test('a server that is not there is named, with what to do', async () => {
    const url = new URL(newRoom());
    url.searchParams.set('url', 'ws://127.0.0.1:9');
    const ada = await open(url.href);
    await ada.page.getByRole('button', { name: 'Join room' }).click();
    await ada.page.getByText('Nothing answers at ws://127.0.0.1:9').waitFor();
  });

  test('outside development the page joins by the token of its link, and explains one that is old or missing, and a server that is gone', async () => {
    const own = await startServer({ alwaysOwn: true, args: ['--console'] });
    try {
      const link = async (ttl: number): Promise<string> => {
        const token = new AccessToken(own.apiKey, own.apiSecret, {
          identity: 'ada',
          name: 'Ada',
          ttl,
        });
        token.addGrant({ room: 'invited', roomJoin: true });
        return `${own.httpUrl}/meet#token=${await token.toJwt()}`;
      };
      const uninvited = await open(`${own.httpUrl}/meet?room=demo`);
      await uninvited.page.getByText('This page needs an invitation').waitFor();

      const late = await open(await link(-60));
      await late.page.getByRole('button', { name: 'Join room' }).click();
      await late.page.getByText('This link has expired').waitFor();

      const ada = await open(await link(600));
      assert.equal(await ada.page.getByLabel('Room').inputValue(), 'invited');
      await join(ada.page);
      await ada.page.getByRole('figure', { name: 'Ada (you)' }).waitFor();

      process.kill(own.own?.pid ?? Number.NaN, 'SIGKILL');
      await ada.page.getByText('Connection lost. Reconnecting…').waitFor();
      assert.deepEqual(ada.complaints, []);
    } finally {
      await own.close();
    }
  });
});

async function seesAndHears(person: MeetPage): Promise<void> {
  const first = await person.received();
  await waitFor(async () => {
    const { framesDecoded, frameHeight, audioEnergy } = await person.received();
    return framesDecoded > first.framesDecoded + 30 && frameHeight >= 180 && audioEnergy > 0;
  }, 'more decoded frames and some sound');
}

async function waitFor(holds: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited 15 s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
