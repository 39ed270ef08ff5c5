import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, test } from 'node:test';
import { Room } from '@livekit/protocol';
import { pino } from 'pino';
import { Ledger } from '../../node-image/cluster/ledger';
import { LedgerObserver } from '../../node-image/telemetry/ledger-observer';
import {
  cpuTimesOf,
  LINUX_READERS,
  type LoadReaders,
} from '../../node-image/telemetry/load-readers';
import { NodeLoadMeter, type NodeLoadOptions } from '../../node-image/telemetry/node-load';
import { NodeTotals } from '../../node-image/telemetry/node-totals';
import {
  cpuMsOf,
  type ProcessUsage,
  readProcessTree,
} from '../../node-image/telemetry/process-tree';
import { until } from '../support/wait';

/** A machine with four cores whose figures a test changes. */
class FakeMachine implements LoadReaders {
  ms = 0;
  busy = 0;
  total = 0;
  average = 0;
  tree: ProcessUsage[] = [{ pid: 1, cpuMs: 5000, rssBytes: 100 }];
  limit = 0;
  broken = false;
  now = () => this.ms;
  cores = () => 4;
  cpuTimes = async () => {
    if (this.broken) throw new Error('cannot read');
    return { busy: this.busy, total: this.total };
  };
  loadAverage = () => this.average;
  processes = async () => this.tree;
  machineMemory = () => ({ used: 600, limit: 1000 });
  memoryLimit = () => this.limit;
  disk = async () => ({ used: 70, limit: 100 });
  descriptors = () => ({ used: 12, limit: 1024 });
}

async function meterOf(readers: LoadReaders, changes: Partial<NodeLoadOptions> = {}) {
  const lines: string[] = [];
  const log = pino({ base: null }, { write: (line: string) => void lines.push(line) });
  const meter = await NodeLoadMeter.start({
    scope: 'machine',
    ledger: { bandwidth_limit: 500, disk_path: '/' },
    limit: { num_tracks: 10, bytes_per_sec: 0 },
    workers: 2,
    log,
    intervalMs: 1e6,
    readers,
    ...changes,
  });
  meter.close();
  return { meter, lines };
}

describe('what jobs use', () => {
  test('is covered by what they have reserved, and is not counted again', async () => {
    const machine = new FakeMachine();
    const { meter } = await meterOf(machine);
    const capacity = { cpus: 4, memoryBytes: 1000, bytesPerSec: 0, diskBytes: 0 };
    const ledger = new Ledger({ capacity });
    meter.keep(ledger);
    assert.ok(ledger.reserve({ id: 'EG_1', kind: 'egress', cost: { cpus: 2, memoryBytes: 50 } }));
    meter.keepJobs(() => [7]);
    // Whoever else starts some, such as workers of agents.
    meter.keepJobs(() => []);
    machine.tree = [{ pid: 7, cpuMs: 0, rssBytes: 100 }];
    await meter.measure();
    for (let second = 1; second <= 5; second++) {
      // Two and a half of four cores are busy, one and a half of them with the job.
      machine.busy += 250;
      machine.total += 400;
      machine.ms += 1000;
      machine.tree = [{ pid: 7, cpuMs: second * 1500, rssBytes: 100 }];
      await meter.measure();
    }
    // Two are promised, and one is used by others.
    assert.ok(Math.abs(ledger.free().cpus - 1) < 1e-6, `${ledger.free().cpus}`);
    assert.equal(ledger.free().memoryBytes, 1000 - 50 - (600 - 50));
    ledger.release('EG_1');
    await meter.measure();
    assert.ok(ledger.free().cpus < 1.6, 'what is used without a reservation counts');
  });
});

describe('the load of the machine', () => {
  test('is what all cores were busy with over the last seconds', async () => {
    const machine = new FakeMachine();
    const { meter } = await meterOf(machine);
    assert.equal(meter.load.cpuLoad, 0);
    for (const busy of [50, 50, 50, 50, 50]) {
      machine.busy += busy;
      machine.total += 100;
      await meter.measure();
    }
    assert.equal(meter.load.cpuLoad, 0.5);
    // Five seconds later nothing of that counts.
    for (let count = 0; count < 5; count += 1) {
      machine.total += 100;
      await meter.measure();
    }
    assert.equal(meter.load.cpuLoad, 0);
  });

  test('comes with what else is scarce', async () => {
    const machine = new FakeMachine();
    machine.average = 6;
    const { meter } = await meterOf(machine, { turnAllocations: () => 3 });
    const { cpus, sysLoad, memory, disk, descriptors, turnAllocations, ...rest } = meter.load;
    assert.deepEqual([cpus, sysLoad, turnAllocations], [4, 1.5, 3]);
    assert.deepEqual([memory.used, disk.used, descriptors.used], [600, 70, 12]);
    assert.deepEqual([rest.bytesPerSecLimit, rest.limitReached], [500, false]);
  });
});

describe('the load of processes', () => {
  const scope = 'processes' as const;

  test('is what they were busy with, of the cores of their workers', async () => {
    const machine = new FakeMachine();
    const { meter } = await meterOf(machine, { scope });
    assert.equal(meter.load.cpus, 2);
    machine.ms += 1000;
    // One core and a half: of one that was there, and of one that has just begun.
    machine.tree = [
      { pid: 1, cpuMs: 5500, rssBytes: 150 },
      { pid: 2, cpuMs: 1000, rssBytes: 50 },
    ];
    await meter.measure();
    assert.equal(meter.load.cpuLoad, 0.75);
    machine.ms += 1000;
    machine.tree = machine.tree.slice(0, 1);
    await meter.measure();
    assert.equal(meter.load.cpuLoad, 0.375);
    assert.deepEqual(meter.load.memory, { used: 150, limit: 1000 });
  });

  test('never has more cores than the machine, nor none', async () => {
    const machine = new FakeMachine();
    assert.equal((await meterOf(machine, { scope, workers: 64 })).meter.load.cpus, 4);
    assert.equal((await meterOf(machine, { scope, workers: 0 })).meter.load.cpus, 1);
  });

  test('is measured against the memory that they may have', async () => {
    const machine = new FakeMachine();
    machine.limit = 400;
    const { meter } = await meterOf(machine, { scope });
    assert.deepEqual(meter.load.memory, { used: 100, limit: 400 });
  });

  test('as an average follows within a minute', async () => {
    const machine = new FakeMachine();
    const { meter } = await meterOf(machine, { scope });
    const work = async (seconds: number, share: number): Promise<number> => {
      for (let count = 0; count < seconds; count += 1) {
        machine.ms += 1000;
        machine.tree = machine.tree.map((one) => ({ ...one, cpuMs: one.cpuMs + share * 2000 }));
        await meter.measure();
      }
      return meter.load.sysLoad;
    };
    const afterTen = await work(10, 1);
    assert.ok(afterTen > 0.1 && afterTen < 0.2, `${afterTen}`);
    const afterMinutes = await work(300, 1);
    assert.ok(afterMinutes > 0.98, `${afterMinutes}`);
  });
});

test('what the Rooms do is told as it is now', async () => {
  const totals = new NodeTotals();
  const { meter } = await meterOf(new FakeMachine(), { totals });
  Object.assign(totals, {
    rooms: 2,
    participants: 5,
    tracksIn: 4,
    tracksOut: 6,
    bytesPerSecond: 9,
  });
  const { rooms, clients, tracksIn, tracksOut, bytesPerSec, limitReached } = meter.load;
  assert.deepEqual([rooms, clients, tracksIn, tracksOut, bytesPerSec], [2, 5, 4, 6, 9]);
  assert.equal(limitReached, true);
});

test('what cannot be read stays as it was, and is said once', async () => {
  const machine = new FakeMachine();
  const { meter, lines } = await meterOf(machine);
  const before = meter.load;
  machine.broken = true;
  await meter.measure();
  await meter.measure();
  assert.deepEqual(meter.load, before);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /the load of this node cannot be measured/);
});

test('the ledger learns what is in use, and its promises are told', async () => {
  const machine = new FakeMachine();
  const { meter } = await meterOf(machine);
  machine.busy = 75;
  machine.total = 100;
  await meter.measure();
  const capacity = { cpus: 4, memoryBytes: 1000, bytesPerSec: 0, diskBytes: 100 };
  const ledger = new Ledger({ capacity });
  meter.keep(ledger);
  assert.equal(ledger.fits({ cpus: 1.1 }, 'egress'), false);
  assert.equal(ledger.fits({ cpus: 1 }, 'egress'), true);
  assert.equal(ledger.fits({ diskBytes: 31 }, 'egress'), false);
  const rooms = new LedgerObserver(ledger, { ...capacity, cpus: 0.5 });
  const [one, other] = [new Room({ sid: 'RM_1' }), new Room({ sid: 'RM_2' })];
  rooms.roomStarted(one);
  rooms.roomArrived(other);
  assert.equal(meter.load.reservedCpus, 1);
  rooms.roomFinished(one);
  rooms.roomDeparted(other);
  assert.equal(meter.load.reservedCpus, 0);
});

describe('Linux', () => {
  test('says of the CPU what was waited for as idle, and what was stolen as busy', () => {
    const stat = 'cpu  10 1 5 100 20 2 3 4 7 0\ncpu0 1 2 3 4 5 6 7 8 9 0\n';
    assert.deepEqual(cpuTimesOf(stat), { busy: 25, total: 145 });
  });

  test('says of a process with a strange name what it used', () => {
    const stat = '42 (a) b (c) S 1 1 1 0 -1 0 0 0 0 0 150 50 9 9 20 0 1 0 1 1 1';
    assert.equal(cpuMsOf(stat), 2000);
  });

  test('counts a child that works, in both scopes', async () => {
    const child = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' });
    try {
      const processes = await meterOf(LINUX_READERS, { scope: 'processes', workers: 1 });
      const machine = await meterOf(LINUX_READERS);
      await until('the work to show', async () => {
        await Promise.all([processes.meter.measure(), machine.meter.measure()]);
        return processes.meter.load.cpuLoad > 0.2 && machine.meter.load.cpuLoad > 0.05;
      });
      const tree = await readProcessTree();
      assert.ok(tree.some(({ pid }) => pid === child.pid));
      const { memory, disk, descriptors } = processes.meter.load;
      for (const { used, limit } of [memory, disk, descriptors]) {
        assert.ok(used > 0 && used < limit, `${used} of ${limit}`);
      }
    } finally {
      child.kill('SIGKILL');
    }
  });
});
