/** Builds the load source where that was not done yet: 5 min of CPU. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runBench } from './support/run-bench';

const out = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
after(() => rmSync(out, { recursive: true, force: true }));

test('the bench measures Sluice alone, and writes a table, figures and a plot', {
  timeout: 18 * 60_000,
}, () => {
  const { status, output } = runBench(
    ...['--scenario', 'viewers-10', '--scenario', 'viewers-25', '--scenario', 'floor', '--smoke'],
    ...['--repeat', '1', '--seconds', '9', '--peer', '', '--name', 'smoke', '--out', out],
  );
  assert.equal(status, 0, output);
  assert.match(output, /Sluice is measured alone/);
  const { cells, extras, failures } = JSON.parse(readFileSync(join(out, 'smoke.json'), 'utf8'));
  assert.deepEqual(failures, []);
  assert.deepEqual(
    cells.map((cell: { scenario: string }) => cell.scenario),
    ['viewers-10', 'viewers-25'],
  );
  for (const { runs, floor } of cells) {
    assert.equal(runs.length, 1);
    const [run] = runs;
    assert.ok(run.forwarded > 1_000, output);
    for (const figure of ['cpuMicrosecondsPerPacket', 'rssPeakBytes', 'bytesPerSubscription']) {
      assert.ok(run[figure] > 0, `${figure}: ${run[figure]}`);
    }
    assert.equal(run.load.firstFrameMs.count, run.load.clients.planned - 1);
    assert.ok(run.load.latencyMs.p99 > 0);
    // A server does more than what it cannot do without.
    assert.ok(floor.cpuMicrosecondsPerPacket > 0);
    assert.ok(floor.cpuMicrosecondsPerPacket < run.cpuMicrosecondsPerPacket, output);
    assert.match(floor.profile, /^(AEAD_AES_(128|256)_GCM|AES128_CM_HMAC_SHA1_80)$/);
  }
  const [floors] = extras;
  assert.equal(floors.figures.length, 6);
  for (const { single, batched } of floors.figures) {
    for (const run of [single, batched]) {
      assert.ok(run.packets > 0 && run.cpuMicrosecondsPerPacket > 0, JSON.stringify(run));
      assert.ok(run.lost < run.packets / 100, JSON.stringify(run));
    }
  }
  const text = readFileSync(join(out, 'smoke.md'), 'utf8');
  assert.match(text, /\| viewers-25 \| sluice \|/);
  assert.match(text, /(holds|falls short): CPU a packet, in physical floors/);
  assert.match(readFileSync(join(out, 'smoke-viewers.svg'), 'utf8'), /<polyline points="\d/);
});

test('the bench measures one Room on several workers', { timeout: 5 * 60_000 }, () => {
  const { status, output } = runBench(
    ...['--scenario', 'workers', '--smoke', '--peer', '', '--name', 'workers', '--out', out],
  );
  assert.equal(status, 0, output);
  const { extras, failures } = JSON.parse(readFileSync(join(out, 'workers.json'), 'utf8'));
  assert.deepEqual(failures, []);
  const [{ figures }] = extras;
  assert.deepEqual(
    figures.map((row: { workers: number; used: number }) => [row.workers, row.used]),
    [
      [1, 1],
      [2, 2],
      [4, 4],
    ],
  );
  for (const { cpuMicrosecondsPerPacket, ratio, lostShare } of figures) {
    assert.ok(cpuMicrosecondsPerPacket > 0 && ratio > 0 && lostShare < 0.01, output);
  }
});

test('the bench measures a cluster: joins, idle sockets, a drain under load', {
  timeout: 5 * 60_000,
}, () => {
  const { status, output } = runBench(
    ...['--scenario', 'control', '--scenario', 'sockets', '--scenario', 'drain', '--smoke'],
    ...['--peer', '', '--name', 'cluster', '--out', out],
  );
  assert.equal(status, 0, output);
  const { extras, failures } = JSON.parse(readFileSync(join(out, 'cluster.json'), 'utf8'));
  assert.deepEqual(failures, []);
  const [control, sockets, drain] = extras.map((extra: { figures: unknown }) => extra.figures);
  assert.deepEqual(
    control.map((row: { masters: number; failed: number }) => [row.masters, row.failed]),
    [
      [1, 0],
      [2, 0],
    ],
  );
  for (const row of control) {
    assert.ok(row.joinsPerSecond > 0 && row.redisCommandsPerJoin > 0, JSON.stringify(row));
  }
  for (const row of sockets) {
    assert.equal(row.sockets, 200);
    assert.ok(row.bytesPerSocket > 0 && row.fileDescriptorsPerSocket > 0, JSON.stringify(row));
  }
  assert.ok(drain.roomsMoved > 0 && drain.packetsReceived > 0, JSON.stringify(drain));
  assert.equal(drain.dropped, 0);
  assert.equal(drain.rejoined, drain.participantsMoved);
  assert.equal(drain.gapMs.count, drain.participantsMoved);
});

test('the bench says which scenarios there are when it is given another', {
  timeout: 60_000,
}, () => {
  const { status, output } = runBench('--scenario', 'tea');
  assert.equal(status, 1);
  assert.match(output, /--scenario tea is not known: give one of floor, .*viewers-10, /);
});
