import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LOG_LIMITS, type LogEvent, logRequests } from '../../node-image/cloud/aws/log-requests';

const DAY_MS = 24 * 3_600_000;

const sizeOf = (events: readonly LogEvent[]): number =>
  events.reduce((sum, { message }) => sum + Buffer.byteLength(message) + 26, 0);

/** Source: CloudWatch Logs API Reference, PutLogEvents. */
function assertTaken(requests: readonly (readonly LogEvent[])[]): void {
  for (const events of requests) {
    assert.ok(events.length >= 1 && events.length <= 10_000, `${events.length} events`);
    assert.ok(sizeOf(events) <= 1_048_576, `${sizeOf(events)} bytes`);
    const times = events.map(({ timestamp }) => timestamp);
    assert.deepEqual(
      times,
      times.toSorted((one, other) => one - other),
    );
    assert.ok((times.at(-1) ?? 0) - (times[0] ?? 0) < DAY_MS);
    for (const event of events) {
      assert.notEqual(event.message, '');
      assert.ok(sizeOf([event]) <= 262_144, `an event of ${sizeOf([event])} bytes`);
    }
  }
}

test('any lines become requests that AWS takes, and none is left out', () => {
  const line = fc.record({
    timestamp: fc.integer({ min: 1, max: 5 * DAY_MS }),
    message: fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.integer({ min: 1, max: 300_000 }).map((length) => 'ü'.repeat(length)),
    ),
  });
  fc.assert(
    fc.property(fc.array(line, { maxLength: 30 }), (lines) => {
      const requests = logRequests(lines);
      assertTaken(requests);
      const wanted = lines.filter(({ message }) => message !== '');
      assert.equal(requests.flat().length, wanted.length);
      const short = wanted.filter(({ message }) => message.length < 1000);
      const sent = new Set(requests.flat().map(({ message }) => message));
      for (const { message } of short) assert.ok(sent.has(message));
    }),
    { numRuns: 60 },
  );
});

test('a request has as many events as it may, and as many bytes', () => {
  const many = Array.from({ length: 10_001 }, () => ({ timestamp: 1, message: 'x' }));
  assert.deepEqual(
    logRequests(many).map(({ length }) => length),
    [10_000, 1],
  );
  // Four of these are a request to the byte.
  const quarter = { timestamp: 1, message: 'x'.repeat(LOG_LIMITS.bytes / 4 - 26) };
  assert.deepEqual(
    logRequests([quarter, quarter, quarter, quarter, quarter]).map(({ length }) => length),
    [4, 1],
  );
});

test('a clock that was set back keeps no line from being sent, and a day is a request of its own', () => {
  const at = (timestamp: number): LogEvent => ({ timestamp, message: `${timestamp}` });
  assert.deepEqual(logRequests([at(30), at(10), at(20)]), [[at(10), at(20), at(30)]]);
  assert.deepEqual(logRequests([at(1), at(DAY_MS), at(DAY_MS + 1)]), [
    [at(1), at(DAY_MS)],
    [at(DAY_MS + 1)],
  ]);
});

test('a line that is too long is cut between characters, and says so', () => {
  const [[event] = []] = logRequests([{ timestamp: 1, message: `a${'€'.repeat(200_000)}` }]);
  assert.match(event?.message ?? '', /^a€+ \[cut\]$/);
  assert.equal(262_144 - 26 - Buffer.byteLength(event?.message ?? '') < 3, true);
});
