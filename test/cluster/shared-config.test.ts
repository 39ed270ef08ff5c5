import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { MemoryRegistry } from '../../node-image/cluster/memory-registry';
import type { NodeState, RegisteredNode } from '../../node-image/cluster/node-record';
import {
  CONFIG_DOCUMENT,
  ConfigOutdatedError,
  nextToRoll,
  ROLL_DOCUMENT,
  ROLL_REASON,
  refusedVersion,
  SharedConfig,
} from '../../node-image/cluster/shared-config';
import { drainOrder, nodeNamed } from './placement-nodes';
import { fakeLog } from './shared-support';

describe('the configuration in the registry', () => {
  function cluster() {
    const registry = new MemoryRegistry();
    const log = fakeLog();
    return { registry, log, config: new SharedConfig({ registry, log }) };
  }

  test('is none until one is announced, and then the newest', async () => {
    const { config } = cluster();
    assert.equal(await config.read(), undefined);
    await config.announce('room: {max_participants: 2}');
    const second = await config.announce('room: {max_participants: 3} # more');
    assert.equal(second.version, 2);
    assert.deepEqual(await config.read(), second);
    assert.equal(second.yaml, 'room: {max_participants: 3} # more');
    assert.ok(Math.abs(second.announcedAtMs - Date.now()) < 5000);
  });

  test('is not replaced by who did not know of the newest', async () => {
    const { config } = cluster();
    await config.announce('one: 1', 0);
    await assert.rejects(config.announce('two: 2', 0), ConfigOutdatedError);
    assert.equal((await config.announce('two: 2', 1)).version, 2);
  });

  test('of two announced at once is one, and the other is told', async () => {
    const { config } = cluster();
    const results = await Promise.allSettled([config.announce('a: 1'), config.announce('b: 2')]);
    const refused = results.filter(({ status }) => status === 'rejected');
    assert.equal(refused.length, 1);
    assert.equal((await config.read())?.version, 1);
  });

  test('has a version above those that nodes run, whatever the registry has lost', async () => {
    const { config, registry } = cluster();
    await registry.heartbeat({ ...nodeNamed('a').record, configVersion: 7 }, []);
    assert.equal((await config.announce('')).version, 8);
    await registry.heartbeat({ ...nodeNamed('b').record, configVersion: refusedVersion(9) }, []);
    assert.equal((await config.announce('')).version, 10);
  });

  test('counts as none, and is logged, where it is something else', async () => {
    for (const value of ['{', '[]', '{"yaml": 3, "version": 1, "announcedAtMs": 0}']) {
      const { config, registry, log } = cluster();
      await registry.writeDocument(CONFIG_DOCUMENT, value, 0);
      assert.equal(await config.read(), undefined);
      assert.match(log.lines.join(), /none that this version can read/);
      assert.equal((await config.announce('')).version, 1);
    }
  });

  test('is told once to be none, however often it is looked at, and again where it changes', async () => {
    const { config, registry, log } = cluster();
    const first = await registry.writeDocument(CONFIG_DOCUMENT, '{', 0);
    for (let i = 0; i < 3; i++) await config.read();
    assert.equal(log.lines.length, 1);
    await registry.writeDocument(CONFIG_DOCUMENT, '[]', first?.version ?? 0);
    for (let i = 0; i < 3; i++) await config.read();
    assert.equal(log.lines.length, 2);
    await config.announce('room: {}');
    await config.read();
    const { version = 0 } = (await registry.document(CONFIG_DOCUMENT)) ?? {};
    await registry.writeDocument(CONFIG_DOCUMENT, '[]', version);
    await config.read();
    // What announces reads the document, too.
    assert.equal(log.lines.length, 3);
  });

  test('keeps a note on its roll, which is none where it is something else', async () => {
    const { config, registry } = cluster();
    assert.equal(await config.rollNote(), undefined);
    await config.noteRoll({ version: 2, waits: 'it is early' });
    await config.noteRoll({ version: 2, waits: 'it is early' });
    assert.equal((await registry.document(ROLL_DOCUMENT))?.version, 1, 'it was written twice');
    assert.deepEqual(await config.rollNote(), { version: 2, waits: 'it is early' });
    await config.noteRoll({ version: 2 });
    assert.deepEqual(await config.rollNote(), { version: 2 });
    for (const value of ['{', '{"version": "2"}']) {
      const { version = 0 } = (await registry.document(ROLL_DOCUMENT)) ?? {};
      await registry.writeDocument(ROLL_DOCUMENT, value, version);
      assert.equal(await config.rollNote(), undefined);
    }
  });
});

describe('the node that is rolled next', () => {
  interface Given {
    readonly role?: 'master' | 'media';
    readonly version?: number;
    readonly state?: NodeState;
    readonly clients?: number;
    readonly seenAgoMs?: number;
  }
  function node(id: string, given: Given = {}): RegisteredNode {
    const { role = 'media', version = 1, state = 'serving', clients = 0, seenAgoMs = 0 } = given;
    const { record } = nodeNamed(id);
    return {
      record: {
        ...record,
        role,
        state,
        configVersion: version,
        load: { ...record.load, clients, rooms: 0 },
      },
      seenAgoMs,
    };
  }
  const idOf = (nodes: readonly RegisteredNode[], self?: string) => {
    const step = nextToRoll({ nodes, version: 2, self });
    return step.step === 'roll' ? step.node.record.id : step.step;
  };

  test('is none where all have the announced version, a newer one, or none is announced', () => {
    assert.equal(idOf([node('a', { version: 2 }), node('b', { version: 3 })]), 'done');
    assert.equal(nextToRoll({ nodes: [node('a', { version: 0 })], version: 0 }).step, 'done');
    assert.equal(nextToRoll({ nodes: [], version: 2 }).step, 'done');
  });

  test('is the emptiest Media Node, and Master Nodes come last, the leader the very last', () => {
    const nodes = [
      node('leader', { role: 'master' }),
      node('other', { role: 'master' }),
      node('busy', { clients: 9 }),
      node('idle', { clients: 1 }),
    ];
    assert.equal(idOf(nodes, 'leader'), 'idle');
    const rolled = (...ids: string[]) =>
      nodes.map((each) =>
        ids.includes(each.record.id) ? node(each.record.id, { ...roleOf(each), version: 2 }) : each,
      );
    assert.equal(idOf(rolled('idle'), 'leader'), 'busy');
    assert.equal(idOf(rolled('idle', 'busy'), 'leader'), 'other');
    assert.equal(idOf(rolled('idle', 'busy', 'other'), 'leader'), 'leader');
  });

  const roleOf = ({ record }: RegisteredNode): Given => ({
    role: record.role === 'master' ? 'master' : 'media',
  });

  test('waits for a node that drains, starts or is silent, and says for which', () => {
    for (const [changes, told] of [
      [{ state: 'draining' }, 'node b is draining'],
      [{ state: 'starting', version: 2 }, 'node b is starting'],
      [{ seenAgoMs: 6000, version: 2 }, 'node b is silent'],
    ] as const) {
      const step = nextToRoll({ nodes: [node('a'), node('b', changes)], version: 2 });
      assert.equal(step.step, 'wait');
      assert.ok(step.step === 'wait' && step.why.startsWith(told), JSON.stringify(step));
    }
  });

  test('waits for one that was emptied to be rolled, and for nobody that others have emptied', () => {
    const drained = (reason: string): RegisteredNode => ({
      ...node('b', { state: 'drained' }),
      order: { ...drainOrder, reason },
    });
    assert.equal(idOf([node('a'), drained(ROLL_REASON)]), 'wait');
    const step = nextToRoll({ nodes: [node('a'), drained('sluice drain')], version: 2 });
    assert.ok(step.step === 'roll' && step.node.record.id === 'a' && step.isOnly);
    assert.equal(idOf([node('a', { version: 2 }), drained('sluice drain')]), 'done');
  });

  test('is none that could not load that version, or it would be rolled for ever', () => {
    const refused = node('a', { version: refusedVersion(2) });
    assert.equal(idOf([refused, node('b', { version: 2 })]), 'done');
    assert.equal(nextToRoll({ nodes: [refused], version: 3 }).step, 'roll');
  });

  test('is told to be the only one of its role, so that another can be started first', () => {
    const step = nextToRoll({ nodes: [node('a'), node('m', { role: 'master' })], version: 2 });
    assert.ok(step.step === 'roll' && step.isOnly);
    const two = nextToRoll({ nodes: [node('a'), node('b', { version: 2 })], version: 2 });
    assert.ok(two.step === 'roll' && !two.isOnly);
  });

  test('comes to an end, with every node rolled once and one at a time', () => {
    const anyNode = fc.record({
      role: fc.constantFrom<'master' | 'media'>('master', 'media'),
      version: fc.integer({ min: 0, max: 3 }),
      clients: fc.nat(20),
    });
    fc.assert(
      fc.property(fc.array(anyNode, { maxLength: 12 }), (given) => {
        let nodes = given.map((each, index) => node(`n${index}`, each));
        const old = nodes.filter(({ record }) => record.configVersion < 2).length;
        let rolls = 0;
        for (;;) {
          const step = nextToRoll({ nodes, version: 2 });
          if (step.step === 'done') break;
          assert.equal(step.step, 'roll');
          const { id } = step.step === 'roll' ? step.node.record : { id: '' };
          rolls += 1;
          nodes = nodes.map((each) =>
            each.record.id === id
              ? { ...each, record: { ...each.record, id: `${id}-new`, configVersion: 2 } }
              : each,
          );
        }
        assert.equal(rolls, old);
      }),
    );
  });
});
