import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DisconnectReason, LeaveRequest_Action } from '@livekit/protocol';
import { startServer, type TestServer } from '../support/server';
import { openSignal } from '../support/signal';
import { joinToken } from '../support/tokens';

let server: TestServer;

before(async () => {
  server = await startServer();
});

after(async () => {
  await server?.close();
});

test('a participant whose media never comes up is put out after a minute, and told so', {
  timeout: 90_000,
}, async () => {
  // Who may not subscribe is offered nothing, so nothing but the time-out can end it.
  const token = await joinToken(server, 'silent', 'ghost', {
    grant: { canSubscribe: false },
  });
  const connection = await openSignal(server.url, token);
  await connection.message('join');
  const leave = await connection.message('leave', 75_000);
  assert.equal(leave.reason, DisconnectReason.JOIN_FAILURE);
  assert.equal(leave.action, LeaveRequest_Action.DISCONNECT);
  await connection.end();
});
