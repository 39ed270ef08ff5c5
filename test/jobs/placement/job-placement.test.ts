import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { JobLoad } from '../../../node-image/cluster/node-record';
import { configSchema } from '../../../node-image/contract';
import {
  EGRESS_TYPES,
  egressCost,
  INGRESS_TYPES,
  ingressCost,
} from '../../../node-image/jobs/placement/job-costs';
import { explainJob, jobExplanationInLines } from '../../../node-image/jobs/placement/job-explain';
import {
  type JobPlacementQuestion,
  placeJob,
} from '../../../node-image/jobs/placement/job-placement';
import { jobReasonInWords } from '../../../node-image/jobs/placement/job-reasons';
import { type NodeChanges, nodeNamed } from '../../cluster/placement-nodes';
import { drainOrder } from '../../cluster/support/registry-facts';

const KINDS = ['egress', 'ingress', 'agent'];
const node = (id: string, jobs: Partial<JobLoad> | undefined = {}, changes: NodeChanges = {}) =>
  nodeNamed(id, {
    ...changes,
    load: {
      ...changes.load,
      ...(jobs && {
        jobs: { kinds: KINDS, freeCpus: 4, egress: 0, ingress: 0, ...jobs },
      }),
    },
  });

const place = (changes: Partial<JobPlacementQuestion>) =>
  placeJob({
    ...{ nodes: [], kind: 'egress', cost: { cpus: 1 }, ledger: { disk_limit: 0.95 } },
    ...{ linkProtocol: 1, random: () => 0.5 },
    ...changes,
  });
const order = (candidates: ReturnType<typeof place>): string[] =>
  candidates.filter(({ verdict }) => verdict !== 'excluded').map(({ nodeId }) => nodeId);
const whyNot = (candidates: ReturnType<typeof place>): Record<string, string[]> =>
  Object.fromEntries(
    candidates
      .filter(({ verdict }) => verdict === 'excluded')
      .map(({ nodeId, reasons }) => [nodeId, reasons.map(({ kind }) => kind)]),
  );

describe('where jobs go', () => {
  it('the costs are those of the documentation', () => {
    const { egress, ingress } = configSchema.parse({});
    assert.deepEqual(
      EGRESS_TYPES.map((type) => [type, egressCost(type, egress.cpu_cost).cpus]),
      [
        ['room-composite', 3],
        ['audio-room-composite', 1],
        ['web', 3],
        ['audio-web', 1],
        ['participant', 2],
        ['track-composite', 2],
        ['track', 1],
      ],
    );
    assert.deepEqual(
      INGRESS_TYPES.map((type) => [type, ingressCost(type, ingress.cpu_cost)]),
      [
        ['rtmp', { cpus: 2, idleRatio: 0.3 }],
        ['whip', { cpus: 2, idleRatio: 0.3 }],
        ['whip-bypass', { cpus: 0.1, idleRatio: 0.3 }],
        ['url', { cpus: 2, idleRatio: 0.3 }],
      ],
    );
  });

  it('an Egress goes to a node that has one already, as long as it has enough free CPU', () => {
    const nodes = [node('a'), node('b', { egress: 1, freeCpus: 2 }), node('c', { freeCpus: 2.9 })];
    assert.deepEqual(order(place({ nodes })), ['b', 'a', 'c']);
    assert.deepEqual(order(place({ nodes, cost: { cpus: 3 } })), ['a']);
    assert.deepEqual(order(place({ nodes, cost: { cpus: 5 } })), []);
  });

  it('an Ingress goes to any of those with room, by chance, with a share of the CPU left free', () => {
    const nodes = [node('a', { ingress: 5 }), node('b'), node('c', { freeCpus: 3.1 })];
    const cost = { cpus: 2, idleRatio: 0.3 };
    const firsts = new Map<string, number>();
    let seed = 1;
    const random = () => {
      seed = (seed * 48271) % 2147483647;
      return seed / 2147483647;
    };
    for (let i = 0; i < 2000; i++) {
      const [first = ''] = order(place({ nodes, kind: 'ingress', cost, random }));
      firsts.set(first, (firsts.get(first) ?? 0) + 1);
    }
    assert.deepEqual([...firsts.keys()].sort(), ['a', 'b']);
    for (const count of firsts.values()) assert.ok(count > 850, String([...firsts]));
  });

  it('never goes where it cannot run, and says why', () => {
    const nodes = [
      node('silent', {}, { seenAgoMs: 6000 }),
      node('draining', {}, { order: drainOrder('x') }),
      node('master', undefined, { role: 'master' }),
      nodeNamed('older'),
      node('rooms-only', { kinds: ['agent'] }),
      node('busy', { freeCpus: 0.5 }),
      node('disk', {}, { load: { disk: { used: 96, limit: 100 } } }),
      node('memory', {}, { load: { memory: { used: 96, limit: 100 } } }),
      node('left'),
      node('late', {}, { seenAgoMs: 4000 }),
      node('good'),
    ];
    const candidates = place({ nodes, exclude: new Set(['left']) });
    assert.deepEqual(order(candidates), ['good', 'late']);
    assert.deepEqual(whyNot(candidates), {
      busy: ['cpu'],
      disk: ['disk'],
      draining: ['state'],
      left: ['left-out'],
      master: ['role'],
      memory: ['memory'],
      older: ['no-runner'],
      'rooms-only': ['no-runner'],
      silent: ['stale'],
    });
    // What is passed on is not written to the disk.
    const ingress = place({ nodes, kind: 'ingress' });
    assert.ok(order(ingress).includes('disk'));
  });

  it('is not with a node that lacks a program for it', () => {
    const nodes = [
      node('none', { lacks: { media: ['ffmpeg'], page: ['ffmpeg', 'Xvfb'] } }),
      node('no-page', { lacks: { media: [], page: ['Xvfb'] } }),
      node('older', { lacks: undefined }),
    ];
    const { egress, ingress } = configSchema.parse({});
    const placed = (cost: JobPlacementQuestion['cost']) => order(place({ nodes, cost }));
    assert.deepEqual(placed(egressCost('web', egress.cpu_cost)), ['older']);
    assert.deepEqual(placed(egressCost('track', egress.cpu_cost)), ['no-page', 'older']);
    assert.equal(placed(ingressCost('rtmp', ingress.cpu_cost)).length, 3);
    const [{ reasons } = { reasons: [] }] = place({
      nodes,
      cost: { cpus: 1, records: 'media' },
    }).filter(({ nodeId }) => nodeId === 'none');
    assert.deepEqual(reasons.map(jobReasonInWords), [
      'it has no ffmpeg: install.sh --jobs brings what is needed',
    ]);
  });

  it('is the same whatever the order of the nodes, and chooses only nodes with room', () => {
    const anyNode = fc.record({
      free: fc.double({ min: -2, max: 8, noNaN: true }),
      egress: fc.nat(3),
      seenAgoMs: fc.nat(7000),
    });
    fc.assert(
      fc.property(
        fc.array(anyNode, { maxLength: 6 }),
        fc.constantFrom(0.1, 1, 2, 3),
        fc.constantFrom('egress' as const, 'ingress' as const),
        (figures, cpus, kind) => {
          const nodes = figures.map(({ free, egress, seenAgoMs }, i) =>
            node(`n${i}`, { freeCpus: free, egress }, { seenAgoMs }),
          );
          const candidates = place({ nodes, kind, cost: { cpus } });
          assert.deepEqual(
            place({ nodes: [...nodes].reverse(), kind, cost: { cpus } }),
            candidates,
          );
          assert.equal(candidates.length, nodes.length);
          for (const id of order(candidates)) {
            const free = nodes.find(({ record }) => record.id === id)?.record.load.jobs?.freeCpus;
            assert.ok((free ?? 0) + 1e-6 >= cpus);
          }
          assert.ok(candidates.every(({ reasons }) => reasons.length > 0));
        },
      ),
    );
  });

  it('is explained in sentences', () => {
    const nodes = [
      node('ND_a', { egress: 2 }),
      node('ND_b'),
      node('ND_c', { freeCpus: 0.25 }),
      node('ND_m', undefined, { role: 'master' }),
    ];
    const cost = { cpus: 1 };
    const explain = (question: Partial<JobPlacementQuestion>) =>
      jobExplanationInLines(
        explainJob({
          ...{ kind: question.kind ?? 'egress', type: 'track', cpus: 1 },
          candidates: place({ nodes, cost, ...question }),
        }),
      );
    assert.deepEqual(explain({}), [
      'An Egress of type track needs 1 CPU cores, and would go to ND_a.',
      '1. ND_a, chosen: 4 CPU cores are free, and 1 needed; it has 2 Egresses already, and is filled first',
      '2. ND_b, later: 4 CPU cores are free, and 1 needed; it has no Egress yet, and is kept free for large ones',
      '- ND_c, not at all: the job needs 1 CPU cores, and 0.25 are free',
      '- ND_m, not at all: it is a master node, and runs no such jobs',
    ]);
    assert.deepEqual(
      explain({
        kind: 'ingress',
        nodes: [node('ND_c', { freeCpus: 2 })],
        cost: { cpus: 1, idleRatio: 0.3 },
      }),
      [
        'An Ingress of type track needs 1 CPU cores, and would be refused (503): no node takes it.',
        '- ND_c, not at all: the job needs 1 CPU cores, and 2 are free, of which 1.2 have to stay free',
      ],
    );
    assert.deepEqual(explain({ nodes: [] }), [
      'An Egress of type track needs 1 CPU cores, and would be refused (503): the cluster has no nodes.',
    ]);
  });
});
