/** What the page on operating says of stopping. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DisconnectReason, LeaveRequest_Action } from '@livekit/protocol';
import { startServer } from '../support/server';
import { openSignal } from '../support/signal';
import { joinToken } from '../support/tokens';
import { until } from '../support/wait';

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} tells clients SERVER_SHUTDOWN, and to join again`, {
    timeout: 60_000,
  }, async () => {
    const server = await startServer({ alwaysOwn: true });
    try {
      const client = await openSignal(server.url, await joinToken(server, 'demo', 'ada'));
      await client.message('join');
      process.kill(server.own?.pid ?? 0, signal);
      const { reason, action } = await client.message('leave');
      assert.equal(DisconnectReason[reason], 'SERVER_SHUTDOWN');
      assert.equal(LeaveRequest_Action[action], 'RECONNECT');
      await client.end();
      await until('the node to be gone', async () => !(await answers(server.httpUrl)));
      assert.doesNotMatch(server.takeLog(), /"level":"error"/);
    } finally {
      await server.close();
    }
  });
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
