import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { RegistryUnavailableError } from '../../node-image/cluster/registry';
import { KeySealer, SealedKeysError } from '../../node-image/cluster/sealed-keys';
import { SharedKeys } from '../../node-image/cluster/shared-keys';
import { until } from '../support/wait';
import { FakeDocuments, fakeLog } from './shared-support';

const CLUSTER_SECRET = 'the secret that all nodes of the cluster have';
const SECRET = 'the-secret-of-an-api-key-that-nobody-may-read';

describe('the API keys that the nodes of a cluster share', () => {
  let registry: FakeDocuments;
  let opened: SharedKeys[];

  beforeEach(() => {
    registry = new FakeDocuments();
    opened = [];
  });
  afterEach(() => {
    for (const keys of opened) keys.close();
  });

  function node(clusterSecret = CLUSTER_SECRET, pollMs = 60_000) {
    const log = fakeLog();
    const keys = new SharedKeys({ registry, clusterSecret, log, pollMs });
    opened.push(keys);
    return { keys, log };
  }

  const namesOf = ({ current }: SharedKeys): string[] => [...current.keys.keys()];
  const text = (): string => registry.documents.get('keys')?.value ?? '';

  test('are known to all nodes as soon as one adds them', async () => {
    const [one, other] = [node(), node()];
    let changes = 0;
    other.keys.onChange(() => {
      changes += 1;
    });
    await one.keys.add('API1', SECRET);
    await until('the other node knows', () => namesOf(other.keys).includes('API1'));
    assert.equal(other.keys.current.keys.get('API1')?.secret, SECRET);
    assert.equal(changes, 1);
  });

  test('are found by a node that missed the news', async () => {
    const late = node(CLUSTER_SECRET, 20);
    registry.tellsOfWrites = false;
    await node().keys.add('API1', SECRET);
    await until('the late node knows', () => namesOf(late.keys).includes('API1'));
  });

  test('stand in the registry, and in no log, without their secrets', async () => {
    const { keys, log } = node();
    await keys.add('API1', SECRET);
    assert.match(text(), /API1/);
    assert.ok(!text().includes(SECRET) && !log.lines.join().includes(SECRET));
    assert.ok(!text().includes(Buffer.from(SECRET).toString('base64').slice(0, 20)));
  });

  test('are no use to a node with another cluster secret, which overwrites nothing', async () => {
    await node().keys.add('API1', SECRET);
    const before = text();
    const stranger = node('another secret, which somebody mistyped in a file');
    await stranger.keys.refresh();
    await stranger.keys.refresh();
    assert.deepEqual(namesOf(stranger.keys), []);
    assert.match(stranger.keys.problem, /another cluster secret/);
    const told = stranger.log.lines.filter((line) => line.includes('cannot be used'));
    assert.equal(told.length, 1, 'said once, not with each look');
    await assert.rejects(stranger.keys.add('API2', SECRET), SealedKeysError);
    assert.equal(text(), before);
  });

  for (const [what, tamper] of Object.entries<(value: string) => string>({
    'a key that was taken out': (value) => {
      const document = JSON.parse(value);
      delete document.keys.API1;
      return JSON.stringify(document);
    },
    'a retirement that was taken out': (value) =>
      JSON.stringify({ ...JSON.parse(value), retired: {} }),
    'two secrets that changed places': (value) => {
      const document = JSON.parse(value);
      const { API1, API2 } = document.keys;
      return JSON.stringify({ ...document, keys: { API1: API2, API2: API1 } });
    },
    'something that is not JSON': (value) => `${value}x`,
    'something that is JSON': () => '[1, 2]',
    'a signature that is too short': (value) =>
      JSON.stringify({ ...JSON.parse(value), mac: 'AAAA' }),
  })) {
    test(`are kept as they were known when the document has ${what}`, async () => {
      const { keys, log } = node();
      await keys.add('API1', SECRET);
      await keys.add('API2', `${SECRET}2`);
      await keys.retire('API0');
      registry.documents.set('keys', { value: tamper(text()), version: 9 });
      await keys.refresh();
      assert.deepEqual(namesOf(keys), ['API1', 'API2']);
      assert.equal(keys.current.retired.has('API0'), true);
      assert.equal(keys.current.keys.get('API1')?.secret, SECRET);
      assert.notEqual(keys.problem, '');
      assert.match(log.lines.join('\n'), /cannot be used/);
      const fresh = node().keys;
      await fresh.refresh();
      assert.deepEqual([namesOf(fresh), fresh.current.retired.size], [[], 0]);
    });
  }

  test('are usable again when the document is', async () => {
    const { keys } = node();
    await keys.add('API1', SECRET);
    const good = text();
    registry.documents.set('keys', { value: '{}', version: 2 });
    await keys.refresh();
    registry.documents.set('keys', { value: good, version: 3 });
    await keys.refresh();
    assert.equal(keys.problem, '');
  });

  test('stay retired, whatever an older version says', async () => {
    const { keys } = node();
    await keys.add('API1', SECRET);
    const old = text();
    await keys.retire('API1');
    await keys.retire('configured');
    registry.documents.set('keys', { value: old, version: 1 });
    await keys.refresh();
    assert.deepEqual(namesOf(keys), []);
    assert.deepEqual([...keys.current.retired.keys()].sort(), ['API1', 'configured']);
    const other = node().keys;
    await other.refresh();
    assert.deepEqual([...other.current.retired.keys()].sort(), ['API1', 'configured']);
  });

  test('are never more than can be read again', async () => {
    const retired = new Map(Array.from({ length: 9_999 }, (_, count) => [`API${count}x`, 1]));
    const value = new KeySealer(CLUSTER_SECRET).seal({ keys: new Map(), retired });
    registry.documents.set('keys', { value, version: 1 });
    const { keys } = node();
    await keys.add('API1', SECRET);
    await assert.rejects(keys.add('API2', SECRET), SealedKeysError);
    const { keys: other } = node();
    await other.refresh();
    assert.deepEqual([namesOf(other), other.problem], [['API1'], '']);
  });

  test('are written anew where the registry lost them', async () => {
    const { keys } = node();
    await keys.add('API1', SECRET);
    registry.documents.clear();
    await keys.refresh();
    const other = node().keys;
    await other.refresh();
    assert.deepEqual(namesOf(other), ['API1']);
  });

  test('of two nodes that add one at the same time are both there', async () => {
    const [one, other] = [node().keys, node().keys];
    registry.tellsOfWrites = false;
    await Promise.all([one.add('API1', SECRET), other.add('API2', SECRET)]);
    await one.refresh();
    assert.deepEqual(namesOf(one).sort(), ['API1', 'API2']);
  });

  test('are refused with a reason where others are always faster', async () => {
    registry.writeDocument = async () => undefined;
    const { keys } = node();
    await assert.rejects(keys.add('API1', SECRET), /Other nodes change the API keys.*Try again/);
  });

  test('stay known while the registry is away, and cannot be changed', async () => {
    const { keys } = node();
    await keys.add('API1', SECRET);
    registry.isAway = true;
    await keys.refresh();
    assert.deepEqual(namesOf(keys), ['API1']);
    await assert.rejects(keys.add('API2', SECRET), RegistryUnavailableError);
  });
});
