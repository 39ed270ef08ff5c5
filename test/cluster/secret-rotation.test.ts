/** Nodes change from one cluster secret to another, one after the other. */
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { chooseKey, hintOf, linkKeys } from '../../node-image/cluster/link/link-key';
import { SealedKeysError } from '../../node-image/cluster/sealed-keys';
import { SharedKeys } from '../../node-image/cluster/shared-keys';
import { until } from '../support/wait';
import { at, client, closeAll, failsAs, get, serve, warnings } from './link-support';
import { FakeDocuments, fakeLog } from './shared-support';

const OLD = 'the old secret of the cluster, long enough';
const NEW = 'the new secret of the cluster, long enough';
const API_SECRET = 'the-secret-of-an-api-key-that-nobody-may-read';

/** What nodes have, in the order in which they are given it. */
const STEPS = {
  before: { secret: OLD },
  between: { secret: NEW, previousSecret: OLD },
  after: { secret: NEW },
} as const;
type Step = keyof typeof STEPS;

/** Steps that are there at the same time when nodes are replaced one by one. */
const TOGETHER: readonly (readonly [Step, Step])[] = [
  ['before', 'between'],
  ['between', 'before'],
  ['between', 'between'],
  ['between', 'after'],
  ['after', 'between'],
];

describe('the node link, while the secret changes', () => {
  afterEach(closeAll);

  for (const [one, other] of TOGETHER) {
    test(`takes a node ${one} the change at a node ${other === one ? 'like it' : other}`, async () => {
      const server = await serve(STEPS[other]);
      const link = client(STEPS[one]);
      assert.equal((await link.request(at(server), get('/'))).status, 200);
      assert.equal(await link.probe(at(server), 'ND_a', 5000), 'alive');
      assert.deepEqual(warnings(), []);
    });
  }

  test('turns a node away that has missed it, in both directions', async () => {
    for (const [one, other] of [
      ['before', 'after'],
      ['after', 'before'],
    ] as const) {
      const server = await serve(STEPS[other]);
      await assert.rejects(client(STEPS[one]).request(at(server), get('/')), failsAs('stranger'));
      assert.match(warnings()[0]?.msg ?? '', /another cluster secret/);
      await closeAll();
    }
  });

  test('is used with the new secret as soon as both have it', () => {
    const keys = linkKeys({ ...STEPS.between, clusterName: 'test' });
    const [newest] = keys;
    const [old] = linkKeys({ ...STEPS.before, clusterName: 'test' });
    assert.equal(chooseKey(keys, hintOf(keys)), newest);
    assert.deepEqual(chooseKey(keys, hintOf([old])), old);
    for (const hint of [null, '', 'ffff', ',']) assert.equal(chooseKey(keys, hint), newest);
  });

  test('says too little of a secret before it is proven to try guesses at it', () => {
    const hint = hintOf(linkKeys({ ...STEPS.between, clusterName: 'test' }));
    assert.match(hint, /^[0-9a-f]{4},[0-9a-f]{4}$/);
  });
});

describe('the API keys of a cluster, while its secret changes', () => {
  const registry = { now: new FakeDocuments() };
  const opened: SharedKeys[] = [];
  afterEach(() => {
    for (const keys of opened.splice(0)) keys.close();
    registry.now = new FakeDocuments();
  });

  async function node(step: Step) {
    const log = fakeLog();
    const { secret: clusterSecret, ...before } = STEPS[step];
    const keys = new SharedKeys({
      registry: registry.now,
      clusterSecret,
      ...before,
      log,
      pollMs: 20,
    });
    opened.push(keys);
    await keys.refresh();
    return { keys, log };
  }
  const namesOf = ({ keys }: { keys: SharedKeys }): string[] =>
    [...keys.current.keys.keys()].sort();
  const text = (): string => registry.now.documents.get('keys')?.value ?? '';
  const knows = (one: { keys: SharedKeys }, ...names: string[]) =>
    until(`a node to know ${names}`, () => namesOf(one).join() === names.join());

  test('are known to every node at every step, whoever adds them', async () => {
    const first = await node('before');
    await first.keys.add('API1', API_SECRET);
    const second = await node('between');
    assert.deepEqual(namesOf(second), ['API1']);
    await second.keys.add('API2', API_SECRET);
    await knows(first, 'API1', 'API2');
    // A node that knows of no other secret writes for its own alone.
    await first.keys.add('API3', API_SECRET);
    await knows(second, 'API1', 'API2', 'API3');
    first.keys.close();
    const third = await node('after');
    await knows(third, 'API1', 'API2', 'API3');
    assert.equal(third.keys.current.keys.get('API1')?.secret, API_SECRET);
    await third.keys.add('API4', API_SECRET);
    await knows(second, 'API1', 'API2', 'API3', 'API4');
    await second.keys.retire('API1');
    await knows(third, 'API2', 'API3', 'API4');
    for (const { log } of [first, second, third]) {
      assert.ok(!log.lines.join().includes('cannot be used'), log.lines.join('\n'));
    }
  });

  test('are written for the new secret by the first node that has it', async () => {
    const first = await node('before');
    await first.keys.add('API1', API_SECRET);
    await node('between');
    assert.deepEqual(namesOf(await node('after')), ['API1']);
  });

  test('are not kept for the old secret once a node comes that does without it', async () => {
    const first = await node('before');
    await first.keys.add('API1', API_SECRET);
    first.keys.close();
    const second = await node('between');
    assert.match(text(), /"format":2/);
    second.keys.close();
    await node('after');
    assert.match(text(), /"format":1/);
    const late = await node('before');
    assert.match(late.keys.problem, /another cluster secret/);
    await assert.rejects(late.keys.add('API2', API_SECRET), SealedKeysError);
  });

  for (const steps of [
    ['before', 'between'],
    ['between', 'after'],
  ] as const) {
    test(`come to rest: nodes ${steps.join(' and ')} do not write for ever`, async () => {
      const nodes = await Promise.all(steps.map((step) => node(step)));
      await nodes[0]?.keys.add('API1', API_SECRET);
      for (const one of nodes) await knows(one, 'API1');
      const version = (): number => registry.now.documents.get('keys')?.version ?? 0;
      let last = 0;
      await until(
        'no more writing',
        async () => {
          const isSame = version() === last;
          last = version();
          return isSame && last > 0;
        },
        { intervalMs: 200 },
      );
      assert.ok(last <= 6, `${last} versions were written`);
    });
  }

  test('are no use to a node with a third secret', async () => {
    const second = await node('between');
    await second.keys.add('API1', API_SECRET);
    const before = text();
    const log = fakeLog();
    const clusterSecret = 'another secret, which somebody mistyped in a file';
    const stranger = new SharedKeys({ registry: registry.now, clusterSecret, log });
    opened.push(stranger);
    await stranger.refresh();
    assert.match(stranger.problem, /other cluster secrets/);
    await assert.rejects(stranger.add('API2', API_SECRET), SealedKeysError);
    assert.equal(text(), before);
  });
});
