import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AccessToken } from 'livekit-server-sdk';
import { clientSuite } from '../support/client-suite';
import { SignalConnection } from '../support/signal';
import { joinToken } from '../support/tokens';

const suite = clientSuite();
const options = { timeout: 20_000 };

interface Case {
  readonly name: string;
  readonly token: () => Promise<string | undefined>;
  readonly status: number;
  /** How the text begins; what follows differs from one JWT library to the next. */
  readonly text: string;
}

const bare = (grant?: Parameters<AccessToken['addGrant']>[0]): Promise<string> => {
  const token = new AccessToken(suite.server.apiKey, suite.server.apiSecret, { identity: 'alice' });
  if (grant) token.addGrant(grant);
  return token.toJwt();
};

const cases: readonly Case[] = [
  {
    name: 'no token',
    token: async () => undefined,
    status: 401,
    text: 'no permissions to access the room',
  },
  {
    name: 'something that is no token',
    token: async () => 'abc',
    status: 401,
    text: 'invalid authorization token',
  },
  {
    name: 'a token signed with another secret',
    token: () => joinToken({ apiKey: suite.server.apiKey, apiSecret: 'other' }, 'room', 'alice'),
    status: 401,
    text: 'invalid authorization token',
  },
  {
    name: 'a token of an unknown key',
    token: () => joinToken({ apiKey: 'unknown', apiSecret: 'other' }, 'room', 'alice'),
    status: 401,
    text: 'invalid API key',
  },
  {
    name: 'an expired token',
    token: () => joinToken(suite.server, 'room', 'alice', { ttl: -60 }),
    status: 401,
    text: 'invalid authorization token',
  },
  {
    name: 'a token without a grant',
    token: () => bare(),
    status: 401,
    text: 'no permissions to access the room',
  },
  {
    name: 'a token without roomJoin',
    token: () => bare({ room: 'room' }),
    status: 401,
    text: 'permissions denied',
  },
  {
    name: 'a token without a Room',
    token: () => bare({ roomJoin: true }),
    status: 400,
    text: 'no room name',
  },
  {
    name: 'an identity of 300 characters',
    token: () => joinToken(suite.server, 'room', 'x'.repeat(300)),
    status: 400,
    text: 'participant identity length exceeds limits: max length 256',
  },
  {
    name: 'a Room name of 300 characters',
    token: () => joinToken(suite.server, 'x'.repeat(300), 'alice'),
    status: 400,
    text: 'room name length exceeds limits: max length 256',
  },
];

for (const { name, token, status, text } of cases) {
  test(
    `${name} is refused with ${status}, by /rtc/validate and by the handshake`,
    options,
    async () => {
      const jwt = await token();
      const query = jwt === undefined ? '' : `?access_token=${jwt}`;
      const response = await fetch(`${suite.server.httpUrl}/rtc/validate${query}`);
      const body = await response.text();
      assert.equal(response.status, status);
      assert.ok(body.startsWith(text), body);
      assert.equal(response.headers.get('access-control-allow-origin'), '*');
      const refusal = await SignalConnection.open(suite.server.url, jwt);
      assert.ok(!(refusal instanceof SignalConnection), 'the handshake was accepted');
      assert.equal(refusal.status, status);
      assert.ok(refusal.body.startsWith(text), refusal.body);
    },
  );
}

test('a good token is valid', options, async () => {
  const token = await suite.token('room', 'alice');
  const response = await fetch(`${suite.server.httpUrl}/rtc/validate?access_token=${token}`);
  assert.equal(response.status, 200);
  assert.equal(await response.text(), 'success');
});

test('a token also comes in the Authorization header', options, async () => {
  const token = await suite.token('room', 'alice');
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${suite.server.httpUrl}/rtc/validate`, { headers });
  assert.equal(response.status, 200);
  const basic = await fetch(`${suite.server.httpUrl}/rtc/validate`, {
    headers: { authorization: 'Basic abc' },
  });
  assert.equal(basic.status, 401);
  assert.match(await basic.text(), /Bearer/);
});

test('/rtc without an upgrade is not found', options, async () => {
  const token = await suite.token('room', 'alice');
  const response = await fetch(`${suite.server.httpUrl}/rtc?access_token=${token}`);
  assert.equal(response.status, 404);
});

test('a browser is told why it may not join', options, async () => {
  const alice = await suite.make('alice');
  const token = await joinToken({ apiKey: 'unknown', apiSecret: 'other' }, 'room', 'alice');
  await assert.rejects(alice.connect(suite.server.url, token), /invalid API key/);
  const expired = await joinToken(suite.server, 'room', 'alice', { ttl: -60 });
  await assert.rejects(alice.connect(suite.server.url, expired), /invalid authorization token/);
});
