import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConnectionError, DisconnectReason } from 'livekit-client';
import { deviceProblem, endProblem, joinProblem } from '../../node-image/console/page/problems';

const URL = 'wss://meet.example.com';

describe('what the page says of a problem', () => {
  test('a device: refused, missing, in use, on an unencrypted page, anything else', () => {
    const named = (name: string): Error => Object.assign(new Error('because'), { name });
    const advice = (error: unknown, secure = true): string =>
      deviceProblem('camera', error, secure).advice;
    assert.match(advice(named('NotAllowedError')), /^Allow the camera/);
    assert.match(advice(named('NotFoundError')), /^Plug one in/);
    assert.match(advice(named('NotReadableError')), /^Close that program/);
    assert.match(advice(named('TypeError'), false), /https:\/\//);
    assert.match(advice(named('AbortError')), /The browser says: because$/);
    assert.match(advice('odd'), /odd$/);
  });

  test('joining: expired, refused, unreachable, anything else', () => {
    const title = (error: unknown): string => joinProblem(error, URL).title;
    assert.equal(
      title(ConnectionError.notAllowed('invalid token: token is expired (exp)', 401)),
      'This link has expired',
    );
    const refused = joinProblem(ConnectionError.notAllowed('no permissions', 401), URL);
    assert.match(refused.advice, /The server says: no permissions$/);
    assert.match(
      joinProblem(ConnectionError.serverUnreachable('failed'), URL).advice,
      /Nothing answers at wss:\/\/meet\.example\.com/,
    );
    assert.equal(title(new Error('could not establish pc connection')), 'Joining failed');
  });

  test('the end: every reason but the own will has a title and an advice', () => {
    assert.equal(endProblem(DisconnectReason.CLIENT_INITIATED, URL), undefined);
    const reasons = Object.values(DisconnectReason).filter((value) => typeof value === 'number');
    for (const reason of [undefined, ...reasons]) {
      if (reason === DisconnectReason.CLIENT_INITIATED) continue;
      const problem = endProblem(reason, URL);
      assert.ok(problem?.title && problem.advice);
    }
    assert.match(
      endProblem(DisconnectReason.DUPLICATE_IDENTITY, URL)?.title ?? '',
      /another place/,
    );
  });
});
