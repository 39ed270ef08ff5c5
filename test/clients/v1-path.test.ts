import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startServer, type TestServer } from '../support/server';
import { SignalConnection } from '../support/signal';
import { joinToken } from '../support/tokens';

// Of this project's own server only: livekit-server serves both paths.
let server: TestServer;

before(async () => {
  server = await startServer({ alwaysOwn: true });
});

after(() => server?.close());

test('/rtc/v1 is not found, so that clients fall back to /rtc', async () => {
  const token = await joinToken(server, 'room', 'alice');
  const refusal = await SignalConnection.open(server.url, token, {}, '/rtc/v1');
  assert.ok(!(refusal instanceof SignalConnection), 'the handshake was accepted');
  assert.equal(refusal.status, 404);
  // With these words in the body a browser would believe that the Room is missing.
  assert.doesNotMatch(refusal.body, /requested room does not exist/);
});

test('/rtc/v1/validate is not found, and any page may read that', async () => {
  const token = await joinToken(server, 'room', 'alice');
  const response = await fetch(`${server.httpUrl}/rtc/v1/validate?access_token=${token}`, {
    headers: { origin: 'https://app.example.com' },
  });
  assert.equal(response.status, 404);
  assert.equal(response.headers.get('access-control-allow-origin'), '*');
  assert.doesNotMatch(await response.text(), /requested room does not exist/);
});
