import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isStale, type RegisteredNode, stateOf } from '../../node-image/cluster/node-record';
import {
  choosePlacement,
  type PlacementQuestion,
  type SelectorConfig,
} from '../../node-image/cluster/placement';
import { expectedLoad, recentWeight } from '../../node-image/cluster/placement-load';
import { RECENT_MS, type RecentPlacement } from '../../node-image/cluster/registry';
import {
  anyQuestion,
  drainOrder,
  ledgerWith,
  type NodeChanges,
  nodeNamed,
  questionOf,
  seeded,
  selectorWith,
  snapshotOf,
} from './placement-nodes';

const canHost = (node: RegisteredNode, { exclude, linkProtocol }: PlacementQuestion): boolean =>
  node.record.role !== 'master' &&
  stateOf(node) === 'serving' &&
  !isStale(node) &&
  node.record.linkProtocol === linkProtocol &&
  (node.record.role === 'single' || node.record.link !== undefined) &&
  exclude?.has(node.record.id) !== true;

/** The same numbers again: a property asks twice. */
const again = (question: PlacementQuestion, seed: number): PlacementQuestion => ({
  ...question,
  random: seeded(seed),
});

describe('a placement', () => {
  test('is found exactly where one node can host a Room, whatever its load', () => {
    fc.assert(
      fc.property(anyQuestion, (question) => {
        const able = question.snapshot.nodes.filter((node) => canHost(node, question));
        const { chosen } = choosePlacement(question);
        assert.equal(chosen !== undefined, able.length > 0);
        assert.ok(chosen === undefined || able.some(({ record }) => record.id === chosen));
      }),
    );
  });

  test('says of every node once what became of it, and why', () => {
    fc.assert(
      fc.property(anyQuestion, (question) => {
        const { chosen, candidates } = choosePlacement(question);
        assert.deepEqual(
          candidates.map(({ nodeId }) => nodeId).sort(),
          question.snapshot.nodes.map(({ record }) => record.id).sort(),
        );
        assert.deepEqual(
          candidates.map(({ rank }) => rank),
          candidates.map((_, index) => index + 1),
        );
        for (const { reasons } of candidates) assert.notEqual(reasons.length, 0);
        const winners = candidates.filter(({ verdict }) => verdict === 'chosen');
        assert.deepEqual(
          winners.map(({ nodeId }) => nodeId),
          chosen === undefined ? [] : [chosen],
        );
      }),
    );
  });

  test('does not depend on the order in which nodes and placements are listed', () => {
    fc.assert(
      fc.property(anyQuestion, fc.nat(), (question, seed) => {
        const { snapshot } = question;
        const turned = { ...snapshot, nodes: [...snapshot.nodes].reverse() };
        assert.deepEqual(
          choosePlacement(again({ ...question, snapshot: turned }, seed)),
          choosePlacement(again(question, seed)),
        );
      }),
    );
  });

  test('goes to a node that something speaks against only where none is without', () => {
    const soft = new Set(['cpu-load', 'sys-load', 'ledger-full', 'disk', 'memory']);
    soft.add('descriptors').add('limit-reached').add('late');
    fc.assert(
      fc.property(anyQuestion, (question) => {
        const { candidates } = choosePlacement(question);
        const marked = candidates
          .filter(({ verdict }) => verdict !== 'excluded')
          .map(({ reasons }) => reasons.some(({ kind }) => soft.has(kind)));
        // The unmarked ones come first, so that a mark is never followed by none.
        assert.deepEqual(marked, [...marked].sort());
      }),
    );
  });

  test('goes to a node that is over a limit before one that refuses clients or may be gone', () => {
    const busy = nodeNamed('busy', { load: { cpuLoad: 0.99, disk: { used: 99, limit: 100 } } });
    const refusing: NodeChanges[] = [
      { load: { limitReached: true } },
      { load: { descriptors: { used: 91, limit: 100 } } },
      { load: { memory: { used: 96, limit: 100 } } },
      // It may have died: the next heartbeat will tell.
      { seenAgoMs: 3001 },
    ];
    for (const changes of refusing) {
      const { chosen } = choosePlacement(questionOf([nodeNamed('a', changes), busy]));
      assert.equal(chosen, 'busy');
    }
  });

  test('never goes to a node that drains, though it does not know it yet', () => {
    const told = nodeNamed('a', { order: drainOrder });
    const busy = nodeNamed('b', { load: { cpuLoad: 1 } });
    assert.equal(choosePlacement(questionOf([told, busy])).chosen, 'b');
    assert.equal(choosePlacement(questionOf([told])).chosen, undefined);
  });
});

describe('the limits of node_selector', () => {
  const over = nodeNamed('over', { load: { cpuLoad: 0.9, sysLoad: 0.95, rooms: 0 } });
  const under = nodeNamed('under', { load: { cpuLoad: 0.89, sysLoad: 0.89, rooms: 9 } });
  const chosenBy = (selector: Partial<SelectorConfig>, nodes = [over, under]) =>
    choosePlacement(
      questionOf(nodes, { selector: selectorWith({ sort_by: 'rooms', ...selector }) }),
    ).chosen;

  test('count by kind: any has none', () => {
    assert.equal(chosenBy({ kind: 'any' }), 'over');
    assert.equal(chosenBy({ kind: 'cpuload' }), 'under');
    assert.equal(chosenBy({ kind: 'sysload' }), 'under');
    assert.equal(chosenBy({ kind: 'cpuload', cpu_load_limit: 0.95 }), 'over');
  });

  test('are ignored where no node is below them', () => {
    assert.equal(chosenBy({ kind: 'cpuload', cpu_load_limit: 0.1 }), 'over');
    assert.equal(chosenBy({ kind: 'sysload', sysload_limit: 0.1 }), 'over');
  });
});

describe('sort_by', () => {
  const low = 3;
  const loads: Record<string, (amount: number) => NodeChanges['load']> = {
    cpuload: (amount) => ({ cpuLoad: amount / 10 }),
    sysload: (amount) => ({ sysLoad: amount / 10 }),
    rooms: (amount) => ({ rooms: amount }),
    clients: (amount) => ({ clients: amount }),
    tracks: (amount) => ({ tracksIn: 1, tracksOut: amount }),
    bytespersec: (amount) => ({ bytesPerSec: amount * 1e6 }),
  };
  const sorts = ['cpuload', 'sysload', 'rooms', 'clients', 'tracks', 'bytespersec'] as const;
  for (const sortBy of sorts) {
    test(`${sortBy} takes the lowest, whatever the other figures`, () => {
      // The best in this one is the worst in all others.
      const nodes = [5, low, 7].map((amount) => {
        const others = sorts
          .filter((one) => one !== sortBy)
          .map((one) => loads[one]?.(10 - amount));
        const load = Object.assign({}, ...others, loads[sortBy]?.(amount));
        return nodeNamed(`has-${amount}`, { load });
      });
      const selector = selectorWith({ kind: 'any', sort_by: sortBy });
      const { candidates } = choosePlacement(questionOf(nodes, { selector }));
      assert.deepEqual(
        candidates.map(({ nodeId }) => nodeId),
        ['has-3', 'has-5', 'has-7'],
      );
    });
  }

  test('random, or kind random, takes each of them as often', () => {
    const nodes = ['a', 'b', 'c'].map((id, index) =>
      nodeNamed(id, { load: { cpuLoad: index / 4 } }),
    );
    for (const selector of [{ sort_by: 'random' }, { kind: 'random' }] as const) {
      const question = questionOf(nodes, { selector: selectorWith(selector), random: seeded(7) });
      const times = new Map<string | undefined, number>();
      for (let count = 0; count < 3000; count += 1) {
        const { chosen } = choosePlacement(question);
        times.set(chosen, (times.get(chosen) ?? 0) + 1);
      }
      for (const node of nodes) {
        const share = times.get(node.record.id) ?? 0;
        assert.ok(share > 850 && share < 1150, `${share} of 3000`);
      }
    }
  });

  test('twochoice takes the lower of two, so the highest never, and the lowest not always', () => {
    const nodes = ['a', 'b', 'c'].map((id, index) => nodeNamed(id, { load: { rooms: index } }));
    const selector = selectorWith({ sort_by: 'rooms', algorithm: 'twochoice' });
    const question = questionOf(nodes, { selector, random: seeded(3) });
    const chosen = Array.from({ length: 300 }, () => choosePlacement(question).chosen);
    const share = (id: string): number => chosen.filter((one) => one === id).length / 300;
    assert.ok(share('a') > 0.55 && share('a') < 0.78, `${share('a')}`);
    assert.ok(share('b') > 0.22 && share('b') < 0.45, `${share('b')}`);
  });
});

describe('regionaware', () => {
  const regions = [
    { name: 'frankfurt', lat: 50.1, lon: 8.7 },
    { name: 'london', lat: 51.5, lon: -0.1 },
    { name: 'tokyo', lat: 35.7, lon: 139.7 },
  ];
  const selector = selectorWith({ kind: 'regionaware', regions });
  const inRegion = (region: string, load: NodeChanges['load'] = {}) =>
    nodeNamed(`in-${region}`, { region, load: load ?? {} });
  const order = (nodes: RegisteredNode[], region: string | undefined) =>
    choosePlacement(questionOf(nodes, { selector, region })).candidates.map(({ nodeId }) => nodeId);

  test('takes the nearest region first, and those that nobody knows last', () => {
    const nodes = ['', 'tokyo', 'frankfurt', 'london'].map((region) => inRegion(region));
    assert.deepEqual(order(nodes, 'london'), ['in-london', 'in-frankfurt', 'in-tokyo', 'in-']);
    assert.deepEqual(order(nodes, 'tokyo').slice(0, 1), ['in-tokyo']);
  });

  test('takes one farther away where the nearest is over the limit', () => {
    const nodes = [inRegion('london', { sysLoad: 1 }), inRegion('tokyo')];
    assert.equal(order(nodes, 'london')[0], 'in-tokyo');
  });

  test('goes by load alone where it is not known from where', () => {
    const nodes = [inRegion('london', { cpuLoad: 0.5 }), inRegion('tokyo')];
    assert.equal(order(nodes, undefined)[0], 'in-tokyo');
  });
});

/** Places so many Rooms, one after the other, before any node says anything new. */
function placeMany(nodes: readonly RegisteredNode[], count: number, selector: SelectorConfig) {
  const recent: RecentPlacement[] = [];
  const random = seeded(11);
  for (let index = 0; index < count; index += 1) {
    const { chosen } = choosePlacement(
      questionOf(nodes, { snapshot: snapshotOf(nodes, recent), selector, random }),
    );
    assert.ok(chosen);
    recent.push({ room: `room-${index}`, nodeId: chosen, agoMs: 0 });
  }
  return nodes.map(({ record }) => recent.filter(({ nodeId }) => nodeId === record.id).length);
}

describe('a hundred Rooms asked for within one heartbeat', () => {
  for (const sort_by of [
    'cpuload',
    'sysload',
    'rooms',
    'clients',
    'tracks',
    'bytespersec',
  ] as const) {
    test(`are spread evenly over nodes of the same size and load, by ${sort_by}`, () => {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 7 }), fc.constantFrom(2, 16), (size, cpus) => {
          const nodes = Array.from({ length: size }, (_, i) =>
            nodeNamed(`ND_${i}`, { load: { cpus } }),
          );
          const counts = placeMany(nodes, 100, selectorWith({ sort_by }));
          assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, counts.join(', '));
        }),
        { numRuns: 10 },
      );
    });
  }

  test('follow the size of the nodes', () => {
    const nodes = [2, 4, 14].map((cpus) => nodeNamed(`has-${cpus}`, { load: { cpus } }));
    const counts = placeMany(nodes, 100, selectorWith());
    for (const [index, expected] of [10, 20, 70].entries()) {
      assert.ok(Math.abs((counts[index] ?? 0) - expected) <= 2, counts.join(', '));
    }
  });

  test('follow what nodes carry already', () => {
    // Two cores more are in use on one of them: twenty Rooms until both are as busy.
    const nodes = [0.2, 0.7].map((cpuLoad) => nodeNamed(`has-${cpuLoad}`, { load: { cpuLoad } }));
    const counts = placeMany(nodes, 20, selectorWith());
    assert.deepEqual(counts, [20, 0]);
    const more = placeMany(nodes, 40, selectorWith({ kind: 'any' }));
    assert.deepEqual(more, [30, 10]);
  });
});

describe('a recent placement', () => {
  test('weighs all while nothing of it shows, and less and less then', () => {
    assert.deepEqual([0, 6000, RECENT_MS, RECENT_MS + 1].map(recentWeight), [1, 1, 0, 0]);
    assert.equal(recentWeight(18_000), 0.5);
  });

  test('counts as a Room only until the node has said how many it has', () => {
    const node = nodeNamed('a', { seenAgoMs: 1000, load: { rooms: 3, cpus: 2 } });
    const placedAgo = (agoMs: number) =>
      expectedLoad(node, [{ room: 'r', nodeId: 'a', agoMs }], ledgerWith());
    assert.equal(placedAgo(900).rooms, 4);
    assert.equal(placedAgo(1100).rooms, 3);
    assert.equal(placedAgo(1100).cpuload, 0.05);
    assert.equal(placedAgo(18_000).cpuload, 0.025);
    assert.equal(placedAgo(900).reservedCpus, 0.1);
  });

  test('counts for its own node alone', () => {
    const recent = [{ room: 'r', nodeId: 'b', agoMs: 0 }];
    assert.equal(expectedLoad(nodeNamed('a'), recent, ledgerWith()).recentRooms, 0);
  });
});
