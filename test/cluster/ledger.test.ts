import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Cost, capacityOf, Ledger, roomCost } from '../../node-image/cluster/ledger';
import { RECENT_MS } from '../../node-image/cluster/registry';
import { IDLE, ledgerWith } from './placement-nodes';

const CAPACITY: Cost = { cpus: 4, memoryBytes: 8e9, bytesPerSec: 1e8, diskBytes: 1e10 };
const JOBS = ['egress', 'ingress', 'agent'] as const;

function ledgerAt(capacity: Partial<Cost> = {}) {
  const clock = { ms: 0 };
  const ledger = new Ledger({ capacity: { ...CAPACITY, ...capacity }, now: () => clock.ms });
  return { ledger, clock };
}

describe('a job', () => {
  test('is let in while it fits, and refused without a trace', () => {
    const { ledger } = ledgerAt();
    assert.equal(ledger.reserve({ id: 'a', kind: 'egress', cost: { cpus: 3 } }), true);
    assert.equal(ledger.reserve({ id: 'b', kind: 'ingress', cost: { cpus: 2 } }), false);
    assert.equal(ledger.reserved().cpus, 3);
    assert.equal(ledger.reserve({ id: 'c', kind: 'agent', cost: { cpus: 1 } }), true);
    ledger.release('a');
    assert.equal(ledger.reserve({ id: 'b', kind: 'ingress', cost: { cpus: 2 } }), true);
  });

  test('keeps what it reserved for as long as it lives', () => {
    const { ledger, clock } = ledgerAt();
    ledger.reserve({ id: 'a', kind: 'egress', cost: { cpus: 3 } });
    clock.ms += 10 * RECENT_MS;
    assert.equal(ledger.fits({ cpus: 2 }, 'egress'), false);
  });

  test('fits beside what is measured, without counting its own use twice', () => {
    const { ledger } = ledgerAt();
    ledger.measured({ cpus: 3 });
    assert.equal(ledger.fits({ cpus: 1.5 }, 'egress'), false);
    assert.equal(ledger.reserve({ id: 'a', kind: 'egress', cost: { cpus: 1 } }), true);
    ledger.measured({ cpus: 3 }, { cpus: 1 });
    assert.equal(ledger.fits({ cpus: 1 }, 'egress'), true);
  });

  test('is refused for a full disk only where it writes', () => {
    const { ledger } = ledgerAt();
    ledger.measured({ diskBytes: 1.1e10 });
    assert.equal(ledger.fits({ cpus: 1, diskBytes: 1 }, 'egress'), false);
    assert.equal(ledger.fits({ cpus: 1 }, 'ingress'), true);
  });

  test('is not held up by a resource whose capacity is not known', () => {
    const { ledger } = ledgerAt({ bytesPerSec: 0 });
    assert.equal(ledger.fits({ bytesPerSec: 1e12 }, 'ingress'), true);
  });
});

describe('a Room', () => {
  test('is always let in, and leaves no place for a job while it is young', () => {
    const { ledger, clock } = ledgerAt();
    for (let index = 0; index < 100; index += 1) {
      assert.ok(ledger.reserve({ id: `RM_${index}`, kind: 'room', cost: { cpus: 0.1 } }));
    }
    assert.ok(Math.abs(ledger.reserved('room').cpus - 10) < 1e-6);
    assert.equal(ledger.fits({ cpus: 0.1 }, 'egress'), false);
    clock.ms += RECENT_MS;
    assert.equal(ledger.reserved().cpus, 0);
    assert.equal(ledger.fits({ cpus: 4 }, 'egress'), true);
  });

  test('costs what the configuration says', () => {
    const config = { room_cpu_cost: 1, room_memory_cost: 2, room_bandwidth_cost: 3 };
    assert.deepEqual(roomCost(ledgerWith(config)), {
      cpus: 1,
      memoryBytes: 2,
      bytesPerSec: 3,
      diskBytes: 0,
    });
  });
});

test('the capacity of a node is what it measured, and of its disk the allowed share', () => {
  const load = { ...IDLE, bytesPerSecLimit: 5, disk: { used: 1, limit: 100 } };
  const expected = { cpus: 4, memoryBytes: 8e9, bytesPerSec: 5, diskBytes: 90 };
  assert.deepEqual(capacityOf(load, ledgerWith({ disk_limit: 0.9 })), expected);
});

test('a cost that is no number of 0 or more is refused', () => {
  const { ledger } = ledgerAt();
  for (const cpus of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => ledger.reserve({ id: 'a', kind: 'egress', cost: { cpus } }), {
      name: 'RangeError',
      message: `cost.cpus is ${cpus}; allowed is a number of 0 or more`,
    });
  }
});

const amount = fc.nat(500).map((cents) => cents / 100);
const step = fc.oneof(
  fc.record({
    type: fc.constant('reserve' as const),
    id: fc.nat(9).map(String),
    kind: fc.constantFrom('room', ...JOBS),
    cpus: amount,
  }),
  fc.record({ type: fc.constant('release' as const), id: fc.nat(9).map(String) }),
  fc.record({ type: fc.constant('measure' as const), cpus: amount }),
  fc.record({ type: fc.constant('wait' as const), ms: fc.nat(40_000) }),
);

test('whatever happens: nothing is promised twice, and all is given back', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { ledger, clock } = ledgerAt();
      const jobs = new Map<string, number>();
      const rooms = new Set<string>();
      let measured = 0;
      for (const one of steps) {
        if (one.type === 'wait') clock.ms += one.ms;
        if (one.type === 'measure') {
          measured = one.cpus;
          ledger.measured({ cpus: measured });
        }
        if (one.type === 'release') {
          ledger.release(one.id);
          const before = ledger.reserved();
          ledger.release(one.id);
          assert.deepEqual(ledger.reserved(), before);
          jobs.delete(one.id);
          rooms.delete(one.id);
        }
        if (one.type === 'reserve') {
          const before = ledger.reserved();
          const isNew = !jobs.has(one.id) && !rooms.has(one.id);
          const fits = ledger.fits({ cpus: one.cpus }, one.kind);
          const taken = ledger.reserve({ ...one, cost: { cpus: one.cpus } });
          if (one.kind === 'room') assert.ok(taken);
          if (isNew) assert.equal(taken, fits);
          if (!isNew || !taken) assert.deepEqual(ledger.reserved(), before);
          if (isNew && taken && one.kind !== 'room') {
            jobs.set(one.id, one.cpus);
            // What was there, measured or promised, and this one are no more than there is.
            const all = measured + ledger.reserved().cpus;
            assert.ok(one.cpus === 0 || all <= CAPACITY.cpus + 1e-9, `${all}`);
          }
          if (isNew && one.kind === 'room') rooms.add(one.id);
        }
        const promised = [...jobs.values()].reduce((sum, cpus) => sum + cpus, 0);
        const ofJobs = JOBS.reduce((sum, kind) => sum + ledger.reserved(kind).cpus, 0);
        assert.ok(Math.abs(ofJobs - promised) < 1e-9);
        for (const value of Object.values(ledger.reserved())) assert.ok(value >= 0);
      }
      for (const id of [...jobs.keys(), ...rooms]) ledger.release(id);
      assert.equal(ledger.reserved().cpus, 0);
    }),
  );
});

test('a job may ask that a share of the CPU stays free besides', () => {
  const ledger = new Ledger({ capacity: { ...CAPACITY, cpus: 4 } });
  const ask = (id: string, cpus: number, idleRatio?: number): boolean =>
    ledger.reserve({ id, kind: 'ingress', cost: { cpus }, idleRatio });
  assert.equal(ask('a', 2, 0.3), true);
  assert.equal(ledger.free().cpus, 2);
  assert.equal(ask('b', 1, 0.3), false);
  assert.deepEqual(ledger.lacks({ cpus: 1 }, 'ingress', 0.3), ['cpus']);
  assert.equal(ask('b', 0.8, 0.3), true);
  assert.equal(ask('c', 1.2), true);
  assert.deepEqual(ledger.lacks({ cpus: 0.1 }, 'egress'), ['cpus']);
  assert.deepEqual(ledger.lacks({ cpus: 0.1 }, 'room'), []);
  assert.ok(Math.abs(ledger.reservedByJobs().cpus - 4) < 1e-9);
});
