import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { friendlyName, readEntry, tokenFacts } from '../../node-image/console/page/entry';

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const tokenOf = (claims: unknown): string => `${encode({ alg: 'HS256' })}.${encode(claims)}.c2ln`;

describe('the address of the page', () => {
  test('names the room in its query, and the server by its own origin', () => {
    assert.deepEqual(readEntry('http://127.0.0.1:7880/meet?room=demo', true), {
      development: true,
      room: 'demo',
      token: '',
      serverUrl: 'ws://127.0.0.1:7880',
    });
    assert.equal(
      readEntry('https://meet.example.com/meet', false).serverUrl,
      'wss://meet.example.com',
    );
  });

  test('carries a token in its fragment, whose room wins', () => {
    const token = tokenOf({ sub: 'ada', video: { room: 'from token' } });
    const entry = readEntry(`https://meet.example.com/meet#token=${token}&room=said`, false);
    assert.equal(entry.token, token);
    assert.equal(entry.room, 'from token');
  });

  test('carries no token in its query, which servers log', () => {
    assert.equal(readEntry('https://meet.example.com/meet?token=abc', false).token, '');
  });

  test('names another server in development only', () => {
    const href = 'http://127.0.0.1:7880/meet?room=demo&url=ws://127.0.0.1:1234';
    assert.equal(readEntry(href, true).serverUrl, 'ws://127.0.0.1:1234');
    assert.equal(readEntry(href, false).serverUrl, 'ws://127.0.0.1:7880');
  });
});

describe('a token', () => {
  test('says its room, name and end', () => {
    const token = tokenOf({ sub: 'ada', name: 'Ada Łovelace', exp: 1000, video: { room: 'demo' } });
    assert.deepEqual(tokenFacts(token), {
      room: 'demo',
      name: 'Ada Łovelace',
      expiresAt: 1_000_000,
    });
    assert.equal(tokenFacts(tokenOf({ sub: 'ada' }))?.name, 'ada');
  });

  test('that is none is told from one', () => {
    for (const text of ['', 'abc', 'a.b.c', 'a.%%%.c', `a.${encode(7)}.c`, `a.${encode(null)}.c`]) {
      assert.equal(tokenFacts(text), undefined, text);
    }
  });
});

test('a friendly name is two words, whatever the dice say', () => {
  assert.equal(
    friendlyName(() => 0),
    'Amber Badger',
  );
  assert.equal(
    friendlyName(() => 0.999_999),
    'Scarlet Teal',
  );
});
