import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Grants, VideoGrants } from '../../node-image/room/grants';
import { readJoinQuery } from '../../node-image/signaling/join-query';
import {
  type AllowedJoin,
  allowedJoin,
  JoinError,
} from '../../node-image/signaling/join-validation';
import { grants } from '../room/fakes';

const lengths = { identity: 10, roomName: 10 };

interface Given {
  readonly token?: Partial<Grants> | undefined;
  readonly video?: Partial<VideoGrants>;
  readonly query?: Record<string, string>;
}

function join({ token = {}, video = {}, query = {} }: Given): AllowedJoin {
  const given = { ...grants('ann', video), ...token };
  return allowedJoin(given, readJoinQuery(new URLSearchParams(query), ''), lengths);
}

const attributes = Buffer.from('{"a":"2","b":"3"}').toString('base64url');

describe('a join is refused', () => {
  const cases: [string, Given, number, RegExp][] = [
    [
      'a token without a video claim',
      { token: { hasVideoClaim: false } },
      401,
      /no permissions to access the room/,
    ],
    ['a token that may not join', { video: { roomJoin: false } }, 401, /permissions denied/],
    ['an empty identity', { token: { identity: '' } }, 400, /identity cannot be empty/],
    ['an identity that is too long', { token: { identity: 'x'.repeat(11) } }, 400, /max length 10/],
    ['no room', { video: { room: '' } }, 400, /no room name/],
    ['a room name that is too long', { video: { room: 'x'.repeat(11) } }, 400, /max length 10/],
    ['attributes of one who may not change them', { query: { attributes } }, 401, /no permissions/],
    [
      'a second connection to publish of one who may not',
      { query: { publish: 'x' }, video: { canPublish: false } },
      401,
      /no permissions/,
    ],
  ];
  for (const [what, given, status, message] of cases) {
    test(`for ${what}, with ${status}`, () => {
      assert.throws(
        () => join(given),
        (error: unknown) =>
          error instanceof JoinError && error.status === status && message.test(error.message),
      );
    });
  }

  test('without a token, with 401', () => {
    const query = readJoinQuery(new URLSearchParams(), '');
    assert.throws(
      () => allowedJoin(undefined, query, lengths),
      (error: unknown) => error instanceof JoinError && error.status === 401,
    );
  });

  test('for the permission before the name, as LiveKit looks at them', () => {
    assert.throws(() => join({ token: { identity: '' }, video: { roomJoin: false } }), /denied/);
  });
});

describe('a join is let in', () => {
  test("to the token's room, whatever the query says", () => {
    assert.equal(join({ query: { room: 'other' } }).room, 'room');
    assert.equal(join({ video: { room: '' }, query: { room: 'other' } }).room, 'other');
  });

  test('with names of any length where there is no limit', () => {
    const query = readJoinQuery(new URLSearchParams(), '');
    const given = { ...grants('x'.repeat(1000), { room: 'y'.repeat(1000) }) };
    const none = { identity: 0, roomName: 0 };
    assert.equal(allowedJoin(given, query, none).room.length, 1000);
  });

  test("with the query's attributes over the token's, if it may change them", () => {
    const { grants: got } = join({
      token: { attributes: { a: '1', c: '4' } },
      video: { canUpdateOwnMetadata: true },
      query: { attributes },
    });
    assert.deepEqual(got.attributes, { a: '2', b: '3', c: '4' });
  });

  test('on a second connection that only publishes', () => {
    const { grants: got } = join({ query: { publish: 'screen' } });
    assert.deepEqual([got.identity, got.video.canSubscribe], ['ann#screen', false]);
  });
});
