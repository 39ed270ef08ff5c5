import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { explainRoom, explanationInLines } from '../../node-image/cluster/explain';
import {
  choosePlacement,
  type PlacementQuestion,
  type PlacementReason,
} from '../../node-image/cluster/placement';
import {
  anyQuestion,
  drainOrder,
  type NodeChanges,
  nodeNamed,
  questionOf,
  selectorWith,
} from './placement-nodes';

const explain = (question: PlacementQuestion) =>
  explainRoom({
    room: 'demo',
    decision: choosePlacement(question),
    snapshot: question.snapshot,
  });

/** What is said of the node `a` beside an idle node `b`. */
interface Case {
  readonly a: NodeChanges;
  readonly b?: NodeChanges | 'none';
  readonly question?: Partial<PlacementQuestion>;
  readonly says: string;
}

const limit = 100;

/**
 * One for each reason there is: a new kind of reason without a case here is an error of types, and one
 * that a placement gives is an error of the test below.
 */
const CASES: Readonly<Record<PlacementReason['kind'], Case>> = {
  role: { a: { role: 'master' }, says: 'it is a master node, and hosts no Rooms' },
  'left-out': { a: {}, question: { exclude: new Set(['a']) }, says: 'the Room is to leave it' },
  stale: {
    a: { seenAgoMs: 7300 },
    says: 'it has said nothing for 7.3 s; after 5 s a node is given nothing new',
  },
  state: { a: { order: drainOrder }, says: 'it is draining (sluice drain)' },
  'link-protocol': {
    a: { linkProtocol: 2 },
    says:
      'it speaks version 2 of the node link, and this node version 1; ' +
      'run the same version of Sluice on both',
  },
  'no-link': { a: { link: undefined }, says: 'its record has no address of a node link' },
  'cpu-load': {
    a: { load: { cpuLoad: 0.934 } },
    says: 'its CPU load, 0.93, is not below node_selector.cpu_load_limit, 0.9',
  },
  'sys-load': {
    a: { load: { sysLoad: 1.5 } },
    question: { selector: selectorWith({ kind: 'sysload' }) },
    says: 'its system load, 1.5, is not below node_selector.sysload_limit, 0.9',
  },
  'ledger-full': {
    a: { load: { cpus: 4, reservedCpus: 4.5 } },
    says: 'all of its 4 CPU cores are promised: 4.5',
  },
  disk: {
    a: { load: { disk: { used: 97, limit } } },
    says: 'its disk is 97 % full, more than sluice.ledger.disk_limit, 95 %',
  },
  memory: {
    a: { load: { memory: { used: 96, limit } } },
    says: '96 % of its memory is in use, more than 95 %',
  },
  descriptors: {
    a: { load: { descriptors: { used: 91, limit } } },
    says: '91 % of its file descriptors are in use, more than 90 %',
  },
  'limit-reached': {
    a: { load: { limitReached: true } },
    says: 'it has reached limit.num_tracks or limit.bytes_per_sec',
  },
  late: {
    a: { seenAgoMs: 3400 },
    says: 'it has missed a heartbeat: the last came 3.4 s ago',
  },
  farther: {
    a: { region: 'tokyo' },
    b: { region: 'london' },
    question: { selector: selectorWith({ kind: 'regionaware' }), region: 'london' },
    says: 'its region, tokyo, is farther away than london',
  },
  more: { a: { load: { cpuLoad: 0.5 } }, says: 'CPU load: 0.5, more than 0' },
  equal: {
    a: {},
    question: { random: descending() },
    says: 'CPU load: 0, the same as the chosen one: chance decided',
  },
  least: {
    a: {},
    b: { load: { cpuLoad: 0.5 } },
    says: 'CPU load: 0, the least of those that it was chosen from',
  },
  'not-drawn': {
    a: {},
    question: {
      selector: selectorWith({ algorithm: 'twochoice' }),
      random: descending(),
      snapshot: questionOf([nodeNamed('a'), nodeNamed('b'), nodeNamed('c')]).snapshot,
    },
    says: 'chance drew two others to choose from (node_selector.algorithm: twochoice)',
  },
  chance: {
    a: {},
    question: { selector: selectorWith({ kind: 'random' }) },
    says: 'chance decided (random is asked for)',
  },
  only: { a: {}, b: 'none', says: 'it is the only node that can be given a Room' },
};

/** As chance, so that the first node is unlucky. */
function descending(): () => number {
  let next = 1;
  return () => {
    next /= 2;
    return next;
  };
}

describe('the reason', () => {
  for (const [kind, { a, b = {}, question, says }] of Object.entries(CASES)) {
    test(`${kind} is given as a sentence`, () => {
      const nodes = [nodeNamed('a', a), ...(b === 'none' ? [] : [nodeNamed('b', b)])];
      const { nodes: explained } = explain(questionOf(nodes, question));
      const node = explained.find(({ nodeId }) => nodeId === 'a');
      assert.deepEqual(
        node?.reasons.map((reason) => reason.kind),
        [kind],
      );
      assert.deepEqual(node?.sentences, [says]);
    });
  }

  test('that a placement gives is one of those above, and every one has words', () => {
    fc.assert(
      fc.property(anyQuestion, (question) => {
        for (const { reasons, sentences } of explain(question).nodes) {
          for (const { kind } of reasons) assert.ok(kind in CASES, kind);
          for (const sentence of sentences) assert.match(sentence, /^[^.].*[^.]$/);
          assert.equal(sentences.length, reasons.length);
        }
      }),
    );
  });

  test('state tells each state of a node apart', () => {
    const sentences = (['starting', 'draining', 'drained'] as const).map(
      (state) => explain(questionOf([nodeNamed('a', { state })])).nodes[0]?.sentences[0],
    );
    assert.deepEqual(sentences, ['it is starting', 'it is draining', 'it has been drained']);
  });
});

describe('the explanation of a Room', () => {
  const busy = nodeNamed('busy', { load: { cpuLoad: 0.95 } });
  const leaving = nodeNamed('leaving', { order: drainOrder });
  const question = questionOf([busy, leaving, nodeNamed('idle')]);
  const decision = choosePlacement(question);
  const lines = (placement?: { nodeId: string; movedFrom?: string }) =>
    explanationInLines(
      explainRoom({
        room: 'demo',
        decision,
        snapshot: question.snapshot,
        placement: placement && { room: 'demo', epoch: 7, ...placement },
      }),
    );

  test('that runs nowhere says where it would go, and why not elsewhere', () => {
    assert.deepEqual(lines(), [
      'Room demo runs nowhere.',
      'Asked for now, it would go to idle.',
      '1. idle, chosen: CPU load: 0, the least of those that it was chosen from',
      '2. busy, later: its CPU load, 0.95, is not below node_selector.cpu_load_limit, 0.9',
      '- leaving, not at all: it is draining (sluice drain)',
    ]);
  });

  test('that runs says where, and what is the matter with its node', () => {
    assert.deepEqual(lines({ nodeId: 'idle', movedFrom: 'leaving' }).slice(0, 2), [
      'Room demo runs on idle (epoch 7, moved from leaving).',
      'Placed anew now, it would go to idle.',
    ]);
    assert.match(lines({ nodeId: 'leaving' })[1] ?? '', /^That node is draining: /);
    assert.match(lines({ nodeId: 'unheard-of' })[1] ?? '', /^That node is gone: /);
  });

  test('with nowhere to go says so', () => {
    const nowhere = questionOf([leaving]);
    const said = explanationInLines(explain(nowhere));
    assert.equal(said[1], 'Asked for now, it would go nowhere: no node can be given a Room.');
    const empty = explanationInLines(explain(questionOf([])));
    assert.equal(empty[1], 'Asked for now, it would go nowhere: the cluster has no nodes.');
  });
});
