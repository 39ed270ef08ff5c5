import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { chooseWorker, type WorkerQuestion } from '../../node-image/media/choose-worker';

interface One {
  readonly name: string;
  readonly load: number;
}

const worker = (name: string, load: number): One => ({ name, load });
const chosen = (changes: Partial<WorkerQuestion<One>>): string =>
  chooseWorker({
    home: worker('home', 0),
    homeShare: 500,
    used: [],
    unused: [worker('b', 0), worker('c', 0)],
    limit: 500,
    ...changes,
  }).name;

describe('the worker that the next subscriber receives from', () => {
  test('is the home as long as that has less than the limit', () => {
    assert.equal(chosen({ home: worker('home', 499) }), 'home');
  });

  test('is the home whatever it carries, where no limit is set', () => {
    assert.equal(chosen({ home: worker('home', 5000), limit: 0 }), 'home');
  });

  test('is the home where there is no other', () => {
    assert.equal(chosen({ home: worker('home', 900), unused: [] }), 'home');
  });

  test('is another one from the limit on, and the one that carries least', () => {
    const unused = [worker('b', 30), worker('c', 20)];
    assert.equal(chosen({ home: worker('home', 500), unused }), 'c');
  });

  test('is one that the tracks are at already, until that is at the limit too', () => {
    const home = worker('home', 500);
    const unused = [worker('c', 0)];
    assert.equal(chosen({ home, used: [worker('b', 499)], unused }), 'b');
    assert.equal(chosen({ home, used: [worker('b', 500)], unused }), 'c');
  });

  test('is the one that carries least where all are at the limit', () => {
    const home = worker('home', 700);
    assert.equal(chosen({ home, used: [worker('b', 650), worker('c', 640)], unused: [] }), 'c');
  });

  test('is the home of a small Room on a busy worker: pipes cost more than they bring', () => {
    assert.equal(chosen({ home: worker('home', 900), homeShare: 112 }), 'home');
  });

  test('is none that the tracks are not at, for a little less to do', () => {
    const home = worker('home', 500);
    assert.equal(chosen({ home, unused: [worker('b', 400)] }), 'home');
    assert.equal(chosen({ home, unused: [worker('b', 375)] }), 'b');
  });
});

test('a Room that grows fills worker after worker, and then all alike', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 400 }),
      (count, limit, subscribers) => {
        const loads = Array.from({ length: count }, (_, i) => ({ name: `${i}`, load: 0 }));
        const [home = { name: '0', load: 0 }, ...others] = loads;
        for (let i = 0; i < subscribers; i++) {
          const used = others.filter(({ load }) => load > 0);
          const unused = others.filter(({ load }) => load === 0);
          const next = chooseWorker({ home, homeShare: home.load, used, unused, limit });
          next.load += 1;
        }
        const most = Math.max(...loads.map(({ load }) => load));
        const least = Math.min(...loads.map(({ load }) => load));
        assert.equal(
          loads.reduce((sum, { load }) => sum + load, 0),
          subscribers,
        );
        if (subscribers <= limit) {
          assert.equal(home.load, subscribers);
        } else {
          assert.ok(most <= Math.max(limit, least + 1), `${loads.map(({ load }) => load)}`);
        }
      },
    ),
  );
});
