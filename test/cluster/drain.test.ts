import assert from 'node:assert/strict';
import { afterEach, describe, it, mock } from 'node:test';
import { Drain, type Drainable } from '../../node-image/cluster/drain';
import type { DrainOrder } from '../../node-image/cluster/node-record';
import { quiet } from './core-support';

const orderOf = (changes: Partial<DrainOrder> = {}): DrainOrder => ({
  id: 'DR_1',
  reason: 'test',
  patienceUntilMs: 10_000,
  deadlineMs: 60_000,
  onDeadline: 'force',
  ...changes,
});

class FakeNode implements Drainable {
  readonly left = new Set<string>();
  readonly moves: string[] = [];
  readonly putOuts: string[] = [];
  allocations = 0;
  obstacle: string | undefined;
  moving = 0;
  mostAtOnce = 0;
  moveMs = 100;

  constructor(...rooms: string[]) {
    for (const room of rooms) this.left.add(room);
  }

  rooms = (): string[] => [...this.left];
  participants = (): number => this.left.size * 2;
  turnAllocations = (): number => this.allocations;

  async move(room: string): Promise<string | undefined> {
    this.moves.push(room);
    this.moving += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.moving);
    await new Promise((resolve) => setTimeout(resolve, this.moveMs));
    this.moving -= 1;
    if (this.obstacle !== undefined) return this.obstacle;
    this.left.delete(room);
    return undefined;
  }

  putOut(room: string): void {
    this.putOuts.push(room);
    this.left.delete(room);
  }
}

async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 50) {
    mock.timers.tick(50);
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
  }
}

function drainOf(node: FakeNode): { drain: Drain; changes: () => number } {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: 0 });
  let changes = 0;
  const onChanged = (): void => {
    changes += 1;
  };
  const drain = new Drain({ node, clock: Date.now, onChanged, log: quiet });
  return { drain, changes: () => changes };
}

describe('Drain', () => {
  afterEach(() => mock.timers.reset());

  it('is empty when its jobs are gone too, and says how many are left', async () => {
    const node = new FakeNode();
    const jobs = new Set(['EG_1', 'EG_2']);
    const withJobs = Object.assign(node, {
      jobs: {
        jobs: () => [...jobs],
        kindOf: (id: string) => (id === 'EG_1' ? 'egress' : 'ingress'),
        handOver: async (id: string) => id === 'EG_1' && jobs.delete(id),
        stop: async (id: string) => void jobs.delete(id),
      },
    });
    const { drain } = drainOf(withJobs);
    drain.obey(orderOf());
    await pass(1000);
    assert.deepEqual([drain.state, drain.progress?.jobsLeft], ['draining', 2]);
    assert.deepEqual(drain.progress?.jobsLeftByKind, { egress: 1, ingress: 1 });
    await pass(10_000);
    assert.deepEqual([drain.state, drain.progress?.jobsLeft], ['draining', 1]);
    assert.equal(drain.progress?.obstacle, '1 job runs there still');
    await pass(50_000);
    assert.deepEqual([drain.state, drain.progress?.jobsLeft], ['drained', undefined]);
  });

  it('serves until it has an order', () => {
    const { drain } = drainOf(new FakeNode('a'));
    drain.obey(undefined);
    assert.equal(drain.state, 'serving');
    assert.equal(drain.progress, undefined);
  });

  it('keeps a final order that the registry has lost, or has never heard of', async () => {
    const { drain } = drainOf(new FakeNode('a'));
    drain.obey(orderOf({ final: 'its process was told to stop' }));
    drain.obey(undefined);
    assert.equal(drain.state, 'draining');
    await pass(20_000);
    assert.equal(drain.state, 'drained');
  });

  it('lets a Room that is on its way go, also when its time is up', async () => {
    const node = new FakeNode('a', 'b');
    node.moveMs = 3000;
    const { drain } = drainOf(node);
    drain.obey(orderOf({ patienceUntilMs: 0, deadlineMs: 1000 }));
    await pass(5000);
    assert.equal(drain.state, 'drained');
    assert.deepEqual([node.moves, node.putOuts], [['a', 'b'], []]);
  });

  it('says that it waits for clients whom its TURN server relays', async () => {
    const node = new FakeNode();
    node.allocations = 3;
    const { drain } = drainOf(node);
    drain.obey(orderOf({ onDeadline: 'keep' }));
    assert.equal(drain.state, 'draining');
    assert.match(drain.progress?.obstacle ?? '', /relayed by its TURN server: 3 allocations/);
    await pass(61_000);
    assert.equal(drain.progress?.overdue, true);
    node.allocations = 0;
    await pass(500);
    assert.equal(drain.state, 'drained');
    assert.equal(drain.progress?.obstacle, '');
    drain.close();
  });

  it('lets Rooms end by themselves while it has patience', async () => {
    const node = new FakeNode('a', 'b');
    const { drain } = drainOf(node);
    drain.obey(orderOf());
    await pass(5000);
    assert.equal(drain.state, 'draining');
    assert.deepEqual(node.moves, []);
    assert.equal(drain.progress?.roomsLeft, 2);
    assert.equal(drain.progress?.participantsLeft, 4);
    node.left.clear();
    await pass(1000);
    assert.equal(drain.state, 'drained');
    await drain.whenDrained();
    drain.close();
  });

  it('moves the Rooms that are left, one after the other where there is time', async () => {
    const node = new FakeNode('a', 'b', 'c');
    const { drain } = drainOf(node);
    drain.obey(orderOf());
    await pass(15_000);
    assert.deepEqual(node.moves, ['a', 'b', 'c']);
    assert.equal(node.mostAtOnce, 1);
    assert.equal(drain.state, 'drained');
    assert.equal(drain.progress?.roomsMoved, 3);
    drain.close();
  });

  it('leaves clients of one Room time to rejoin before those of the next come', async () => {
    const node = new FakeNode(...Array.from({ length: 20 }, (_, index) => `room ${index}`));
    node.moveMs = 20;
    const { drain } = drainOf(node);
    drain.obey(orderOf({ patienceUntilMs: 0 }));
    await pass(5000);
    assert.ok(node.moves.length >= 9 && node.moves.length <= 12, `${node.moves.length} in 5 s`);
    await pass(6000);
    assert.equal(drain.state, 'drained');
    drain.close();
  });

  it('moves as many at once as the time that is left demands', async () => {
    const node = new FakeNode(...Array.from({ length: 100 }, (_, index) => `room ${index}`));
    node.moveMs = 400;
    const { drain } = drainOf(node);
    drain.obey(orderOf({ patienceUntilMs: 0, deadlineMs: 15_000 }));
    await pass(15_000);
    assert.ok(node.mostAtOnce > 3, `${node.mostAtOnce} at once`);
    assert.ok(node.mostAtOnce <= 32, `${node.mostAtOnce} at once`);
    assert.deepEqual(node.putOuts, []);
    assert.equal(drain.state, 'drained');
    drain.close();
  });

  it('waits and tells what is in the way, and goes on when it is not any more', async () => {
    const node = new FakeNode('a');
    node.obstacle = 'no other Media Node serves';
    const { drain } = drainOf(node);
    drain.obey(orderOf({ patienceUntilMs: 0 }));
    await pass(5000);
    assert.equal(drain.progress?.obstacle, 'no other Media Node serves');
    assert.ok(node.moves.length > 2 && node.moves.length < 8, `${node.moves.length} attempts`);
    node.obstacle = undefined;
    await pass(3000);
    assert.equal(drain.state, 'drained');
    assert.equal(drain.progress?.obstacle, '');
    drain.close();
  });

  it('ends Rooms by force at the deadline, and not before', async () => {
    const node = new FakeNode('a', 'b');
    node.obstacle = 'no other Media Node serves';
    node.allocations = 3;
    const { drain } = drainOf(node);
    drain.obey(orderOf({ patienceUntilMs: 0 }));
    await pass(59_000);
    assert.deepEqual(node.putOuts, []);
    await pass(2000);
    assert.deepEqual(node.putOuts.sort(), ['a', 'b']);
    assert.equal(drain.progress?.overdue, true);
    assert.equal(drain.state, 'drained', 'relayed clients of others do not keep it');
    drain.close();
  });

  it('ends the other Rooms, and tries once more, where ending one of them throws', async () => {
    const node = new FakeNode('a', 'b');
    node.obstacle = 'no other Media Node serves';
    const { drain } = drainOf(node);
    const putOut = node.putOut.bind(node);
    let isBroken = true;
    node.putOut = (room) => {
      if (room === 'a' && isBroken) {
        isBroken = false;
        throw new Error('of the test');
      }
      putOut(room);
    };
    drain.obey(orderOf({ patienceUntilMs: 0, deadlineMs: 0 }));
    await pass(3000);
    assert.deepEqual(node.putOuts, ['b', 'a']);
    assert.equal(drain.state, 'drained');
    drain.close();
  });

  it('moves at the deadline what can be moved, all at once, before it ends the rest', async () => {
    const node = new FakeNode(...Array.from({ length: 40 }, (_, index) => `room ${index}`));
    const { drain } = drainOf(node);
    drain.obey(orderOf({ patienceUntilMs: 0, deadlineMs: 0 }));
    await pass(1000);
    assert.equal(node.moves.length, 40);
    assert.equal(node.mostAtOnce, 32);
    assert.deepEqual(node.putOuts, []);
    assert.equal(drain.state, 'drained');
    drain.close();
  });

  it('keeps Rooms past the deadline where it is told to, and says so', async () => {
    const node = new FakeNode('a');
    node.obstacle = 'no other Media Node serves';
    const { drain } = drainOf(node);
    drain.obey(orderOf({ patienceUntilMs: 0, onDeadline: 'keep' }));
    await pass(70_000);
    assert.equal(drain.state, 'draining');
    assert.equal(drain.progress?.overdue, true);
    assert.deepEqual(node.putOuts, []);
    node.obstacle = undefined;
    await pass(3000);
    assert.equal(drain.state, 'drained', 'it still moves them when it can');
    drain.close();
  });

  it('is not empty while its TURN server relays for Rooms of others', async () => {
    const node = new FakeNode();
    node.allocations = 1;
    const { drain } = drainOf(node);
    drain.obey(orderOf());
    await pass(20_000);
    assert.equal(drain.state, 'draining');
    assert.equal(drain.progress?.turnAllocationsLeft, 1);
    node.allocations = 0;
    await pass(1000);
    assert.equal(drain.state, 'drained');
    drain.close();
  });

  it('obeys the same order twice as once, and never forces because it is asked again', async () => {
    const node = new FakeNode('a');
    const { drain, changes } = drainOf(node);
    drain.obey(orderOf());
    const before = changes();
    for (let again = 0; again < 20; again += 1) drain.obey(orderOf());
    await pass(9000);
    assert.equal(drain.state, 'draining');
    assert.deepEqual([node.moves, node.putOuts], [[], []]);
    assert.equal(changes(), before);
    drain.close();
  });

  it('serves again when the order is taken back, and can drain once more', async () => {
    const node = new FakeNode('a');
    const { drain } = drainOf(node);
    drain.obey(orderOf());
    await pass(1000);
    drain.obey(undefined);
    assert.equal(drain.state, 'serving');
    await pass(60_000);
    assert.deepEqual([node.moves, node.putOuts], [[], []]);
    drain.obey(orderOf({ id: 'DR_2', patienceUntilMs: 0, deadlineMs: 200_000 }));
    await pass(2000);
    assert.equal(drain.state, 'drained');
    drain.close();
  });
});
