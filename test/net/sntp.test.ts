import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { askTime, readTime, writeTime } from '../../node-image/net/sntp';
import { type FakeClock, fakeTimeServer } from '../doctor/support/time-server';

const open: FakeClock[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function ask(options: Parameters<typeof fakeTimeServer>[0], timeoutMs = 5000) {
  const server = await fakeTimeServer(options);
  open.push(server);
  return askTime({ host: '127.0.0.1', port: server.port, timeoutMs });
}

describe('asking for the time', () => {
  test('tells how far the clock of this machine is off', async () => {
    for (const aheadMs of [0, 90_000, -3_600_000]) {
      const answer = await ask({ aheadMs });
      assert.ok(answer);
      assert.ok(Math.abs(answer.offsetMs - aheadMs) < 1000, `${answer.offsetMs}`);
      assert.ok(answer.roundTripMs >= 0 && answer.roundTripMs < 1000, `${answer.roundTripMs}`);
    }
  });

  test('takes no answer that is cut, of another request, or of a clock that is not set', async () => {
    for (const spoil of ['cut', 'stranger', 'kiss', 'unset', 'client'] as const) {
      assert.equal(await ask({ spoil }, 150), undefined, spoil);
    }
  });

  test('fails where nothing can be sent', async () => {
    await assert.rejects(askTime({ host: 'no-such-host.invalid', port: 123, timeoutMs: 5000 }));
  });

  test('reads the time also after 2036', () => {
    for (const date of [
      '1999-12-31T23:59:59.500Z',
      '2026-02-01T00:00:00Z',
      '2040-06-01T12:00:00Z',
    ]) {
      const packet = Buffer.alloc(8);
      writeTime(packet, 0, Date.parse(date));
      assert.ok(Math.abs(readTime(packet, 0) - Date.parse(date)) < 1, date);
    }
    // RFC 4330, section 3: the era begins on 7 February 2036, 06:28:16 UTC.
    assert.equal(readTime(Buffer.alloc(8), 0), Date.parse('2036-02-07T06:28:16Z'));
  });
});
