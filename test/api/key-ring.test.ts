import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KeyRing, type SharedKeySource } from '../../node-image/api/key-ring';
import { TokenMinter } from '../../node-image/api/token-minter';
import { TokenVerifier } from '../../node-image/api/tokens';
import { Webhooks } from '../../node-image/api/webhooks';
import type { SharedKeySet } from '../../node-image/cluster/shared-key-set';
import { fakeLog } from '../cluster/shared-support';

/** Shared keys that a test changes. */
class Shared implements SharedKeySource {
  current: SharedKeySet = { keys: new Map(), retired: new Map() };
  readonly #listeners = new Set<() => void>();

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  set(keys: Record<string, string>, retired: readonly string[] = []): void {
    this.current = {
      keys: new Map(Object.entries(keys).map(([key, secret]) => [key, { secret, addedAtMs: 1 }])),
      retired: new Map(retired.map((key) => [key, 2])),
    };
    for (const listener of this.#listeners) listener();
  }
}

const CLAIMS = { video: { roomJoin: true, room: 'r' } };

describe('the API keys of a node', () => {
  function ring(configured: Record<string, string> = { old: 'old-secret' }) {
    const shared = new Shared();
    const keys = new KeyRing({ configured, shared });
    return {
      shared,
      keys,
      verifier: new TokenVerifier({ keys }),
      minter: new TokenMinter({ keys }),
    };
  }

  test('let a token of a key in as soon as the key is added', async () => {
    const { shared, verifier } = ring();
    const token = await new TokenMinter({ keys: { new: 'new-secret' } }).mint('new', CLAIMS, 60);
    await assert.rejects(verifier.verify(token), /^TokenError: invalid API key$/);
    shared.set({ new: 'new-secret' });
    assert.equal((await verifier.verify(token)).grants.apiKey, 'new');
  });

  test('refuse a token of a retired key, also of a configured one', async () => {
    const { shared, verifier, minter } = ring();
    const token = await minter.mint('old', CLAIMS, 60);
    await verifier.verify(token);
    shared.set({ new: 'new-secret' }, ['old']);
    await assert.rejects(verifier.verify(token), /^TokenError: invalid API key$/);
  });

  test('sign with the wanted key, and with the first one left when that is retired', async () => {
    const { shared, verifier, minter, keys } = ring();
    shared.set({ new: 'new-secret' });
    const issuer = async () =>
      (await verifier.verify(await minter.mint('old', CLAIMS, 60))).grants.apiKey;
    assert.equal(await issuer(), 'old');
    shared.set({ new: 'new-secret' }, ['old']);
    assert.equal(await issuer(), 'new');
    assert.equal(keys.signingKey('old')?.apiKey, 'new');
    shared.set({}, ['old', 'new']);
    await assert.rejects(issuer(), /Add one under "keys"/);
  });

  test('change with the configuration, and tell so', () => {
    const { keys } = ring();
    let changes = 0;
    const stop = keys.onChange(() => {
      changes += 1;
    });
    keys.setConfigured({ next: 'next-secret', empty: '' });
    assert.equal(keys.secretOf('old'), undefined);
    assert.ok(keys.secretOf('next'));
    assert.equal(keys.secretOf('empty'), undefined);
    stop();
    keys.setConfigured({});
    assert.equal(changes, 1);
  });

  test('find nothing under a name that every object has', () => {
    const { keys } = ring();
    for (const name of ['__proto__', 'constructor', 'toString', '']) {
      assert.equal(keys.secretOf(name), undefined);
    }
  });

  test('are listed with where they come from, and without secrets', () => {
    const { keys, shared } = ring();
    shared.set({ new: 'new-secret' }, ['gone', 'old']);
    assert.deepEqual(
      keys.list().map(({ apiKey, source, state }) => `${apiKey} ${source} ${state}`),
      ['old configuration retired', 'new cluster usable', 'gone cluster retired'],
    );
    assert.doesNotMatch(JSON.stringify(keys.list()), /-secret/);
  });

  test('know whether one is the last', () => {
    const { keys, shared } = ring();
    assert.equal(keys.hasOtherThan('old'), false);
    shared.set({ new: 'new-secret' });
    assert.equal(keys.hasOtherThan('old'), true);
    shared.set({}, ['new']);
    assert.equal(keys.hasOtherThan('old'), false);
  });

  test('hear of nothing more when closed', () => {
    const { keys, shared } = ring();
    keys.close();
    keys.close();
    shared.set({ new: 'new-secret' });
    assert.equal(keys.secretOf('new'), undefined);
  });

  test('may sign webhooks from the cluster too', () => {
    const { keys, shared } = ring();
    const options = { urls: ['http://127.0.0.1:1/'], apiKey: 'new', keys, log: fakeLog() };
    assert.throws(() => new Webhooks(options), /api_key is required to use webhooks/);
    shared.set({ new: 'new-secret' });
    void new Webhooks(options).close(0);
  });
});
