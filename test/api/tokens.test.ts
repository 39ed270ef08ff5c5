import assert from 'node:assert/strict';
import { createHmac, createSign, generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { RoomAgentDispatch, RoomConfiguration, TrackSource } from '@livekit/protocol';
import { AccessToken, TokenVerifier as SdkTokenVerifier } from 'livekit-server-sdk';
import { TokenMinter } from '../../node-image/api/token-minter';
import { TokenError, TokenVerifier, tokenOfRequest } from '../../node-image/api/tokens';
import { grantsWith, permissionOf } from '../../node-image/room/permission';

const keys = { devkey: 'secret', other: 'other-secret' };
const verifier = new TokenVerifier({ keys });
const nowSeconds = (): number => Math.floor(Date.now() / 1000);

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A JWT with whatever header and claims, signed with HMAC-SHA256. */
function sign(claims: unknown, header: unknown = { alg: 'HS256' }, secret = keys.devkey): string {
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

const valid = (): Record<string, unknown> => ({
  iss: 'devkey',
  sub: 'alice',
  exp: nowSeconds() + 60,
  nbf: nowSeconds(),
});

const refused = (token: string, text: string): Promise<void> =>
  assert.rejects(verifier.verify(token), (error) => {
    assert.ok(error instanceof TokenError);
    assert.equal(error.status, 401);
    assert.equal(error.message, text);
    return true;
  });

describe('TokenVerifier', () => {
  test('reads what a server SDK signed', async () => {
    const token = new AccessToken('devkey', 'secret', {
      identity: 'alice',
      name: 'Alice',
      metadata: 'm',
      attributes: { a: '1' },
      ttl: '1h',
    });
    token.addGrant({
      roomJoin: true,
      room: 'r',
      canPublish: false,
      canPublishSources: [TrackSource.SCREEN_SHARE_AUDIO],
      canUpdateOwnMetadata: true,
    });
    token.kind = 'agent';
    token.roomConfig = new RoomConfiguration({
      maxParticipants: 3,
      agents: [new RoomAgentDispatch({ agentName: 'helper' })],
    });
    const { grants, expiresAtMs } = await verifier.verify(await token.toJwt());
    assert.equal(grants.apiKey, 'devkey');
    assert.equal(grants.identity, 'alice');
    assert.equal(grants.name, 'Alice');
    assert.equal(grants.metadata, 'm');
    assert.deepEqual(grants.attributes, { a: '1' });
    assert.equal(grants.kind, 'agent');
    assert.equal(grants.roomConfig?.maxParticipants, 3);
    assert.equal(grants.roomConfig?.agents[0]?.agentName, 'helper');
    assert.equal(grants.video.roomJoin, true);
    assert.equal(grants.video.room, 'r');
    assert.equal(grants.video.canPublish, false);
    assert.equal(grants.video.canSubscribe, undefined);
    assert.deepEqual(grants.video.canPublishSources, [TrackSource.SCREEN_SHARE_AUDIO]);
    assert.equal(grants.video.roomAdmin, false);
    assert.ok(Math.abs(expiresAtMs - Date.now() - 3_600_000) < 5000);
  });

  test('ignores unknown claims and reads null as not said', async () => {
    const { grants } = await verifier.verify(
      sign({
        ...valid(),
        video: { room: null, roomJoin: true, canPublish: null, future: { x: 1 } },
        name: null,
        attributes: null,
        roomConfig: { future_field: 1, max_participants: 2 },
        somethingNew: [1],
      }),
    );
    assert.equal(grants.video.room, '');
    assert.equal(grants.video.canPublish, undefined);
    assert.equal(grants.name, '');
    assert.deepEqual(grants.attributes, {});
    assert.equal(grants.roomConfig?.maxParticipants, 2);
  });

  test('takes the identity from jti where sub is missing', async () => {
    const { sub: _, ...claims } = valid();
    assert.equal((await verifier.verify(sign({ ...claims, jti: 'bob' }))).grants.identity, 'bob');
  });

  test('reads a source it does not know as UNKNOWN, not as every source', async () => {
    const { grants } = await verifier.verify(
      sign({ ...valid(), video: { canPublishSources: ['hologram'] } }),
    );
    assert.deepEqual(grants.video.canPublishSources, [TrackSource.UNKNOWN]);
  });

  test('allows a minute of clock skew, and no more', async () => {
    const now = nowSeconds();
    await verifier.verify(sign({ ...valid(), exp: now - 50 }));
    await verifier.verify(sign({ ...valid(), nbf: now + 50 }));
    await refused(
      sign({ ...valid(), exp: now - 61 }),
      'invalid authorization token: token is expired',
    );
    await refused(
      sign({ ...valid(), nbf: now + 70 }),
      'invalid authorization token: token is not valid yet',
    );
  });

  test('refuses a token that never expires', async () => {
    const { exp: _, ...claims } = valid();
    await refused(sign(claims), 'invalid authorization token: claim "exp" is not valid');
  });

  test('refuses an unknown API key, also one that is a name of Object.prototype', async () => {
    for (const iss of ['nobody', '', '__proto__', 'constructor', 7, null, undefined]) {
      await refused(sign({ ...valid(), iss }), 'invalid API key');
    }
  });

  test("refuses a signature with another key's secret", async () => {
    await refused(
      sign(valid(), { alg: 'HS256' }, keys.other),
      'invalid authorization token: signature is invalid',
    );
  });

  test('refuses alg none, with and without a signature', async () => {
    const text = 'invalid authorization token: signing method is not HS256';
    await refused(sign(valid(), { alg: 'none' }), text);
    await refused(`${encode({ alg: 'none' })}.${encode(valid())}.`, text);
  });

  test('refuses RS256, HS512 and the like, whatever they are signed with', async () => {
    const text = 'invalid authorization token: signing method is not HS256';
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const input = `${encode({ alg: 'RS256' })}.${encode(valid())}`;
    const signature = createSign('RSA-SHA256').update(input).sign(privateKey, 'base64url');
    await refused(`${input}.${signature}`, text);
    await refused(sign(valid(), { alg: 'RS256' }), text);
    await refused(sign(valid(), { alg: 'HS512' }), text);
  });

  test('refuses what is no token', async () => {
    for (const token of ['', 'x', 'a.b', 'a.b.c', '..', `${encode({})}.${encode([])}.x`]) {
      await refused(token, 'invalid authorization token');
    }
  });

  test('refuses claims of a wrong type', async () => {
    const wrong = [
      { video: 'all' },
      { video: { roomJoin: 'yes' } },
      { attributes: { a: 1 } },
      { name: {} },
      { roomConfig: 'x' },
      { roomConfig: { maxParticipants: 'many' } },
      { sub: 5 },
    ];
    for (const claims of wrong) {
      await assert.rejects(verifier.verify(sign({ ...valid(), ...claims })), TokenError);
    }
  });

  test('never puts the token or the secret into its error', async () => {
    const token = sign({ ...valid(), exp: 1 });
    await assert.rejects(verifier.verify(token), (error: Error) => {
      assert.ok(!error.message.includes(token) && !error.message.includes('secret'));
      return true;
    });
  });
});

describe('tokenOfRequest', () => {
  test('prefers the header to the query', () => {
    const headers = { authorization: 'Bearer h' };
    assert.equal(tokenOfRequest({ headers, url: '/rtc?access_token=q' }), 'h');
    assert.equal(tokenOfRequest({ headers: {}, url: '/rtc?a=1&access_token=q' }), 'q');
    assert.equal(tokenOfRequest({ headers: {}, url: '/rtc' }), '');
  });

  test('refuses an Authorization header of another kind', () => {
    assert.throws(
      () => tokenOfRequest({ headers: { authorization: 'Basic abc' }, url: '/' }),
      new TokenError('invalid authorization header. Must start with Bearer '),
    );
  });

  test('lets a request without a token through', async () => {
    assert.equal(await verifier.verifyRequest({ headers: {}, url: '/rtc' }), undefined);
  });
});

describe('TokenMinter', () => {
  const minter = new TokenMinter({ keys });
  const grantsOf = async (claims: Record<string, unknown>) =>
    (await verifier.verify(sign({ ...valid(), ...claims }))).grants;

  test('refreshes a token with the same grants', async () => {
    const grants = await grantsOf({
      name: 'A',
      metadata: 'm',
      kind: 'agent',
      attributes: { a: '1' },
      roomConfig: { maxParticipants: 4 },
      video: { roomJoin: true, room: 'r', canPublish: false, canPublishSources: ['camera'] },
    });
    const again = await verifier.verify(await minter.refresh(grants, Date.now()));
    assert.deepEqual(again.grants, grants);
    assert.ok(Math.abs(again.expiresAtMs - Date.now() - 600_000) < 5000);
    await new SdkTokenVerifier('devkey', 'secret').verify(await minter.refresh(grants, 0));
  });

  test('carries a changed permission into the next token', async () => {
    const grants = await grantsOf({ video: { room: 'r' } });
    const permission = permissionOf(grants.video);
    permission.canPublish = false;
    permission.hidden = true;
    const changed = { ...grants, video: grantsWith(grants.video, permission) };
    const again = (await verifier.verify(await minter.refresh(changed, 0))).grants;
    assert.equal(again.video.room, 'r');
    assert.ok(permissionOf(again.video).equals(permission));
  });

  test('keeps the longer life of the first token', async () => {
    const token = await minter.refresh(await grantsOf({}), Date.now() + 7_200_000);
    const { expiresAtMs } = await verifier.verify(token);
    assert.ok(Math.abs(expiresAtMs - Date.now() - 7_200_000) < 5000);
  });

  test('signs with the first key when the one of the first token is gone', async () => {
    const grants = { ...(await grantsOf({})), apiKey: 'removed' };
    assert.equal((await verifier.verify(await minter.refresh(grants, 0))).grants.apiKey, 'devkey');
  });

  test('says what to do when there is no key', async () => {
    const grants = await grantsOf({});
    await assert.rejects(new TokenMinter({ keys: {} }).refresh(grants, 0), /Add one under "keys"/);
  });
});
