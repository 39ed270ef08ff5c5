import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { RoomServiceClient } from 'livekit-server-sdk';
import { openBrowser, type TestBrowser } from '../support/browser';
import { BrowserClient } from '../support/client';
import { startServer, type TestServer } from '../support/server';
import { joinToken } from '../support/tokens';
import { listenForWebhooks, type WebhookListener } from '../support/webhooks';

let webhooks: WebhookListener;
let server: TestServer;
let browser: TestBrowser;

before(async () => {
  webhooks = await listenForWebhooks();
  // A server given from outside knows nothing of this listener: always the project's own.
  server = await startServer({
    alwaysOwn: true,
    config: { webhook: { api_key: 'devkey', urls: [webhooks.url] } },
  });
  webhooks.trust(server);
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await server?.close();
  await webhooks?.close();
});

test('a call is told in signed webhooks, in order', { timeout: 40_000 }, async () => {
  const page = await browser.openPage();
  const alice = await BrowserClient.make(page, 'alice', {});
  await alice.connect(server.url, await joinToken(server, 'call', 'alice'));
  const sid = await alice.run((c) => c.publishTone());
  await webhooks.event('track_published', (event) => event.track?.sid === sid);
  await alice.run((c) => c.unpublish('microphone'));
  await webhooks.event('track_unpublished', (event) => event.track?.sid === sid);
  await alice.leave();
  await webhooks.event('participant_left');
  await new RoomServiceClient(server.httpUrl, server.apiKey, server.apiSecret).deleteRoom('call');
  const finished = await webhooks.event('room_finished');
  assert.equal(finished.room?.name, 'call');
  assert.deepEqual(
    webhooks.events.map((event) => event.event),
    [
      'room_started',
      'participant_joined',
      'track_published',
      'track_unpublished',
      'participant_left',
      'room_finished',
    ],
  );
  assert.deepEqual(webhooks.failures, []);
  const joined = await webhooks.event('participant_joined');
  assert.equal(joined.participant?.identity, 'alice');
  assert.equal(joined.room?.sid, finished.room?.sid);
  const ids = new Set(webhooks.events.map((event) => event.id));
  assert.equal(ids.size, webhooks.events.length);
});
