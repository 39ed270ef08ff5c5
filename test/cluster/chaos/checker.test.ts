import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { check, LIMITS, mismatches, RULES } from './support/checker';
import type { Look, Observations, Outage, SeenNode, Stream } from './support/observations';
import { merged, timeOutside } from './support/spans';

const NOTHING: Observations = {
  outages: [],
  hits: [],
  streams: [],
  drops: [],
  looks: [],
  counts: [],
};

const rulesOf = (seen: Partial<Observations>): string[] =>
  check({ ...NOTHING, ...seen }).map(({ rule }) => rule);

/** A healthy cluster: two Media Nodes with a Room each, and a master. */
const NODES: readonly SeenNode[] = [
  { nodeId: 'a', rooms: ['one'] },
  { nodeId: 'b', rooms: ['two'] },
  { nodeId: 'm', rooms: undefined },
];
const REGISTRY = {
  nodes: ['a', 'b', 'm'],
  rooms: [
    { room: 'one', nodeId: 'a', epoch: 1 },
    { room: 'two', nodeId: 'b', epoch: 2 },
  ],
};

/** The same look once a second. */
const looksFor = (ms: number, what: Partial<Look> = {}, fromMs = 0): Look[] =>
  Array.from({ length: Math.floor(ms / 1000) + 1 }, (_, i) => ({
    atMs: fromMs + i * 1000,
    nodes: NODES,
    registry: REGISTRY,
    ...what,
  }));

const outage = (what: Outage['what'], fromMs: number, toMs: number): Outage => ({
  what,
  fromMs,
  toMs,
});

const stream = (seenMs: readonly number[], toMs: number): Stream => ({
  room: 'one',
  client: 'x',
  peer: 'y',
  kind: 'video',
  seenMs,
  connecting: [],
  fromMs: 0,
  toMs,
});

test('finds nothing where all is well', () => {
  const seenMs = Array.from({ length: 300 }, (_, i) => i * 200);
  const seen = { looks: looksFor(300_000), streams: [stream(seenMs, 60_000)] };
  assert.deepEqual(rulesOf(seen), []);
});

const BOTH: readonly SeenNode[] = [
  { nodeId: 'a', rooms: ['one'] },
  { nodeId: 'b', rooms: ['two', 'one'] },
  { nodeId: 'm', rooms: undefined },
];

test('finds a Room that two nodes have for longer than a few seconds', () => {
  const hits = (ms: number, outages: Outage[] = []): string[] =>
    rulesOf({ looks: looksFor(ms, { nodes: BOTH, registry: undefined }), outages });
  assert.deepEqual(hits(LIMITS.twiceMs), []);
  assert.deepEqual(hits(LIMITS.twiceMs + 1_000), ['room hosted twice']);
  // While one of them cannot know it, it is no fault of theirs.
  assert.deepEqual(hits(14_000, [outage('network', 0, 9_000)]), []);
  assert.deepEqual(hits(16_000, [outage('network', 0, 9_000)]), ['room hosted twice']);
  assert.deepEqual(hits(14_000, [outage('redis', 0, 9_000)]), []);
  assert.deepEqual(hits(14_000, [outage('masters', 0, 9_000)]), ['room hosted twice']);
});

test('a Room that moves is on two nodes for a moment, again and again', () => {
  const looks = [0, 1, 2, 3, 4, 5].flatMap((round) => [
    ...looksFor(4_000, { nodes: BOTH, registry: undefined }, round * 6_000),
    ...looksFor(0, {}, round * 6_000 + 5_000),
  ]);
  assert.deepEqual(rulesOf({ looks }), []);
});

test('finds a client that gets nothing of another one for more than 15 s', () => {
  assert.deepEqual(rulesOf({ streams: [stream([1_000, 16_000], 20_000)] }), []);
  assert.deepEqual(rulesOf({ streams: [stream([1_000, 16_001], 20_000)] }), ['client stuck']);
  // From the start, at the end, and all the time.
  assert.deepEqual(rulesOf({ streams: [stream([15_001], 20_000)] }), ['client stuck']);
  assert.deepEqual(rulesOf({ streams: [stream([5_000], 20_001)] }), ['client stuck']);
  assert.deepEqual(rulesOf({ streams: [stream([], 15_001)] }), ['client stuck']);
  // What came when it was not to be there does not count.
  assert.deepEqual(rulesOf({ streams: [stream([-1, 30_001], 30_000)] }), ['client stuck']);
});

test('a client may wait while there is no whole path, and no longer', () => {
  for (const what of ['masters', 'media', 'redis'] as const) {
    const outages = [outage(what, 2_000, 7_000), outage(what, 5_000, 12_000)];
    assert.deepEqual(rulesOf({ streams: [stream([25_000], 26_000)], outages }), []);
    assert.deepEqual(rulesOf({ streams: [stream([25_001], 26_000)], outages }), ['client stuck']);
  }
  const outages = [outage('network', 0, 12_000)];
  assert.deepEqual(rulesOf({ streams: [stream([25_000], 26_000)], outages }), ['client stuck']);
});

test('a client that loses its node while it connects waits as long as its SDK does', () => {
  const found = (hit: number, gapMs: number): string[] => {
    const one = stream([1_000, 1_000 + gapMs], 60_000 + gapMs);
    const connecting = [{ fromMs: 2_000, toMs: 20_000 }];
    return rulesOf({ hits: [hit], streams: [{ ...one, toMs: 2_000 + gapMs, connecting }] });
  };
  assert.deepEqual(found(3_000, 30_000), []);
  assert.deepEqual(found(3_000, 30_001), ['client stuck']);
  // Before it connected, and after: it was told.
  assert.deepEqual(found(1_999, 15_001), ['client stuck']);
  assert.deepEqual(found(20_001, 15_001), ['client stuck']);
});

test('finds a call that was dropped', () => {
  const drops = [{ client: 'x', atMs: 5, why: 'STATE_MISMATCH' }];
  assert.deepEqual(check({ ...NOTHING, drops }), [
    { rule: 'call dropped', atMs: 5, text: 'x was disconnected by itself: STATE_MISMATCH' },
  ]);
});

const withoutB = NODES.filter(({ nodeId }) => nodeId !== 'b');
const emptyB = withoutB.concat({ nodeId: 'b', rooms: [] });
const strange = { nodes: REGISTRY.nodes, rooms: [{ room: 'one', nodeId: 'b', epoch: 3 }] };

const LEAKS: readonly [what: string, limitMs: number, look: Partial<Look>][] = [
  [
    'a record of a dead node',
    LIMITS.deadNodeMs,
    { nodes: withoutB, registry: { ...REGISTRY, rooms: REGISTRY.rooms.slice(0, 1) } },
  ],
  [
    'a node without a record',
    LIMITS.unknownNodeMs,
    { registry: { ...REGISTRY, nodes: ['a', 'm'] } },
  ],
  ['a Room that is placed nowhere', LIMITS.unknownRoomMs, { registry: { ...REGISTRY, rooms: [] } }],
  ['a Room that is placed elsewhere', LIMITS.unknownRoomMs, { registry: strange }],
  ['a placement without its Room', LIMITS.strayRoomMs, { nodes: emptyB }],
  [
    'a Room of a dead node',
    LIMITS.abandonedRoomMs,
    { nodes: withoutB, registry: { ...REGISTRY, nodes: ['a', 'm'] } },
  ],
];

for (const [what, limitMs, look] of LEAKS) {
  test(`finds ${what} that stays`, () => {
    const isLate = limitMs >= LIMITS.strayRoomMs;
    const first = mismatches({ atMs: 0, nodes: NODES, registry: REGISTRY, ...look });
    assert.equal(first.length > 0, !isLate);
    const found = (ms: number, outages: Outage[] = []): string[] =>
      rulesOf({ looks: looksFor(ms, look), outages });
    assert.deepEqual(found(limitMs), []);
    assert.ok(found(limitMs + 1_000).includes('leaked record'));
    assert.deepEqual(found(limitMs + 5_000, [outage('redis', 0, 5_000)]), []);
    // Not answering for once does not make it another leak.
    const looks = looksFor(limitMs + 1_000, look).map((one, i) =>
      i === 5 ? { ...one, registry: undefined } : one,
    );
    assert.ok(rulesOf({ looks }).includes('leaked record'));
  });
}

test('finds what a process still holds after everybody has left', () => {
  const count = { process: 'media 1', what: 'media objects', before: 0, slack: 2 };
  assert.deepEqual(rulesOf({ counts: [{ ...count, after: 2 }] }), []);
  assert.deepEqual(rulesOf({ counts: [{ ...count, after: 3 }] }), ['leaked object']);
  assert.deepEqual(rulesOf({ counts: [{ ...count, after: Number.NaN }] }), ['leaked object']);
});

test('each rule has a test above that it is broken by', () => {
  const all = check({
    outages: [],
    hits: [],
    streams: [stream([], 15_001)],
    drops: [{ client: 'x', atMs: 5, why: '' }],
    looks: looksFor(10_000 + LIMITS.deadNodeMs, {
      nodes: BOTH,
      registry: { nodes: [], rooms: [] },
    }),
    counts: [{ process: '', what: '', before: 0, after: 1, slack: 0 }],
  });
  assert.deepEqual(new Set(all.map(({ rule }) => rule)), new Set(RULES));
});

test('time outside of spans and inside of them is all the time', () => {
  const span = fc
    .tuple(fc.nat(100), fc.nat(30))
    .map(([fromMs, ms]) => ({ fromMs, toMs: fromMs + ms }));
  fc.assert(
    fc.property(fc.array(span, { maxLength: 8 }), fc.nat(100), fc.nat(100), (spans, from, ms) => {
      const inside = new Set(
        spans.flatMap(({ fromMs, toMs }) =>
          Array.from({ length: toMs - fromMs }, (_, i) => fromMs + i),
        ),
      );
      const whole = Array.from({ length: ms }, (_, i) => from + i);
      const expected = whole.filter((one) => !inside.has(one)).length;
      assert.equal(timeOutside(spans, from, from + ms), expected);
      for (const [i, one] of merged(spans).entries()) {
        assert.ok((merged(spans)[i + 1]?.fromMs ?? Number.POSITIVE_INFINITY) > one.toMs);
      }
    }),
  );
});
