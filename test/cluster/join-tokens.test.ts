import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { readJoinToken, writeJoinToken } from '../../node-image/cluster/join-token-text';
import {
  JOIN_TOKENS_DOCUMENT,
  type JoinRole,
  JoinTokens,
  JoinTokensError,
  MOST_JOIN_TOKENS,
} from '../../node-image/cluster/join-tokens';
import { MemoryRegistry } from '../../node-image/cluster/memory-registry';
import type { RedisRegistry } from '../../node-image/cluster/redis/redis-registry';
import type { Registry } from '../../node-image/cluster/registry';
import { startRedis, type TestRedis } from '../support/redis';
import { connectRegistry } from './support/registry-redis';

const CLUSTER_SECRET = 'the secret that all nodes of the cluster have';
const HOUR_MS = 3_600_000;
const machine = (name: string, role: JoinRole = 'media') => ({
  machine: name,
  role,
  claim: `claim of ${name}, which is random`,
});

let redis: TestRedis;
let inRedis: RedisRegistry;
before(async () => {
  redis = await startRedis();
  inRedis = (await connectRegistry(redis.config)).registry;
});
after(async () => {
  await inRedis?.close();
  await redis?.close();
});

/** Two masters of one cluster. */
const mastersOn = (registry: Registry): [JoinTokens, JoinTokens] => {
  const make = () => new JoinTokens({ registry, clusterSecret: CLUSTER_SECRET });
  return [make(), make()];
};

const REGISTRIES: Readonly<Record<string, () => Promise<Registry>>> = {
  memory: async () => new MemoryRegistry(),
  Redis: async () => {
    await redis.command('FLUSHALL');
    return inRedis;
  },
};

for (const [kind, open] of Object.entries(REGISTRIES)) {
  describe(`join tokens in a registry in ${kind}`, () => {
    test('let one machine in, however many come at once, and to whichever master', async () => {
      const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { minLength: 2 });
      await fc.assert(
        fc.asyncProperty(names, fc.integer({ min: 1, max: 3 }), async (comers, count) => {
          const masters = mastersOn(await open());
          const tokens = [];
          for (let i = 0; i < count; i += 1) tokens.push(await masters[0].create(HOUR_MS));
          const attempts = tokens.flatMap(({ id, secret }) =>
            comers.map(async (name, i) => {
              const tokensOf = masters[i % 2] ?? masters[0];
              return { id, name, ...(await tokensOf.take({ id, secret, ...machine(name) })) };
            }),
          );
          const results = await Promise.all(attempts);
          for (const { id } of tokens) {
            const ofThis = results.filter((each) => each.id === id);
            const [winner, ...others] = ofThis.filter(({ verdict }) => verdict === 'taken');
            assert.deepEqual([winner?.verdict, others.length], ['taken', 0]);
            for (const each of ofThis.filter(({ verdict }) => verdict !== 'taken')) {
              assert.deepEqual(each, { id, name: each.name, verdict: 'used', by: winner?.name });
            }
          }
        }),
        { numRuns: kind === 'memory' ? 100 : 25 },
      );
    });

    test('let the machine that has used one come again, and nobody under its name', async () => {
      const [tokens] = mastersOn(await open());
      const { id, secret } = await tokens.create(HOUR_MS);
      const taken = { verdict: 'taken' };
      assert.deepEqual(await tokens.take({ id, secret, ...machine('m') }), taken);
      assert.deepEqual(await tokens.take({ id, secret, ...machine('m') }), taken);
      const stranger = {
        id,
        secret,
        ...machine('m'),
        claim: 'another claim, and as random as that',
      };
      assert.deepEqual(await tokens.take(stranger), { verdict: 'used', by: 'm' });
      assert.equal((await tokens.list())[0]?.usedBy, 'm');
    });

    test('are revoked, and then let nobody in', async () => {
      const [tokens] = mastersOn(await open());
      const { id, secret } = await tokens.create(HOUR_MS);
      assert.equal(await tokens.revoke('nobody'), undefined);
      assert.equal(await tokens.revoke(id), 'open');
      assert.deepEqual(await tokens.take({ id, secret, ...machine('m') }), { verdict: 'revoked' });
      assert.equal((await tokens.list())[0]?.state, 'revoked');
    });

    test('are not found out about without their secret', async () => {
      const [tokens] = mastersOn(await open());
      const { id, secret } = await tokens.create(HOUR_MS);
      await tokens.take({ id, secret, ...machine('m') });
      for (const wrong of ['', secret.slice(1), secret.toLowerCase(), 'x'.repeat(43)]) {
        const verdict = await tokens.take({ id, secret: wrong, ...machine('n') });
        assert.deepEqual(verdict, { verdict: 'unknown' });
      }
    });
  });
}

describe('join tokens', () => {
  test('expire, are seen for a day, and then are forgotten', async () => {
    let nowMs = 1_000_000;
    const [tokens] = mastersOn(new MemoryRegistry({ now: () => nowMs }));
    const { id, secret, expiresAtMs } = await tokens.create(60_000);
    assert.equal(expiresAtMs, nowMs + 60_000);
    nowMs = expiresAtMs;
    assert.deepEqual(await tokens.take({ id, secret, ...machine('m') }), { verdict: 'expired' });
    assert.equal((await tokens.list())[0]?.state, 'expired');
    nowMs += 24 * HOUR_MS;
    assert.deepEqual(await tokens.list(), []);
  });

  test('cannot be used again, even by their machine, once they have expired', async () => {
    let nowMs = 1_000_000;
    const [tokens] = mastersOn(new MemoryRegistry({ now: () => nowMs }));
    const { id, secret, expiresAtMs } = await tokens.create(60_000);
    await tokens.take({ id, secret, ...machine('m') });
    nowMs = expiresAtMs;
    assert.deepEqual(await tokens.take({ id, secret, ...machine('m') }), { verdict: 'expired' });
  });

  test('stand in the registry without their secret, and whoever writes there can make none', async () => {
    const registry = new MemoryRegistry();
    const [tokens] = mastersOn(registry);
    const { id, secret } = await tokens.create(60_000);
    const { value = '', version = 0 } = (await registry.document(JOIN_TOKENS_DOCUMENT)) ?? {};
    assert.ok(value.includes(id) && !value.includes(secret));
    const forged = JSON.parse(value);
    forged.tokens[0].expiresAtMs += HOUR_MS;
    await registry.writeDocument(JOIN_TOKENS_DOCUMENT, JSON.stringify(forged), version);
    assert.deepEqual(await tokens.take({ id, secret, ...machine('m') }), { verdict: 'unknown' });
    const other = new JoinTokens({ registry, clusterSecret: `${CLUSTER_SECRET}!` });
    const made = await other.create(60_000);
    assert.deepEqual(await tokens.take({ ...made, ...machine('m') }), { verdict: 'unknown' });
  });

  test('make what they were made for, and whoever writes to the registry changes that not', async () => {
    const registry = new MemoryRegistry();
    const [tokens] = mastersOn(registry);
    const made = await tokens.create(60_000);
    const refused = { verdict: 'other-role', role: 'media' };
    assert.deepEqual(await tokens.take({ ...made, ...machine('m', 'master') }), refused);
    const { value = '', version = 0 } = (await registry.document(JOIN_TOKENS_DOCUMENT)) ?? {};
    const forged = JSON.parse(value);
    forged.tokens[0].role = 'master';
    await registry.writeDocument(JOIN_TOKENS_DOCUMENT, JSON.stringify(forged), version);
    const unknown = { verdict: 'unknown' };
    assert.deepEqual(await tokens.take({ ...made, ...machine('m', 'master') }), unknown);
    const master = await tokens.create(60_000, 'master');
    assert.equal((await tokens.list())[0]?.role, 'master');
    assert.deepEqual(await tokens.take({ ...master, ...machine('m', 'master') }), {
      verdict: 'taken',
    });
  });

  test('are no more than so many', async () => {
    const [tokens] = mastersOn(new MemoryRegistry());
    for (let i = 0; i < MOST_JOIN_TOKENS; i += 1) await tokens.create(60_000);
    await assert.rejects(tokens.create(60_000), JoinTokensError);
  });

  test('whose document somebody has broken are told of as such', async () => {
    const registry = new MemoryRegistry();
    const [tokens] = mastersOn(registry);
    for (const [version, value] of ['{', '{}', '{"format":2,"tokens":[]}'].entries()) {
      await registry.writeDocument(JOIN_TOKENS_DOCUMENT, value, version);
      await assert.rejects(tokens.list(), JoinTokensError);
    }
  });
});

describe('the text of a join token', () => {
  test('is read as it was written, with white space around it', () => {
    const token = { id: 'a'.repeat(12), secret: 'B'.repeat(43), publicKey: `${'-'.repeat(42)}_` };
    assert.deepEqual(readJoinToken(` ${writeJoinToken(token)}\n`), token);
  });

  test('is nothing else', () => {
    fc.assert(fc.property(fc.string(), (text) => readJoinToken(text) === undefined));
    const whole = writeJoinToken({
      id: 'a'.repeat(12),
      secret: 'B'.repeat(43),
      publicKey: 'C'.repeat(43),
    });
    for (let length = 0; length < whole.length; length += 1) {
      assert.equal(readJoinToken(whole.slice(0, length)), undefined);
    }
  });
});
