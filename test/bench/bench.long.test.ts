import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const ROOT = join(__dirname, '..', '..');
const out = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
after(() => rmSync(out, { recursive: true, force: true }));

function bench(...args: string[]): { readonly status: number | null; readonly output: string } {
  const command = [join(ROOT, 'bench', 'bench.mjs'), ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

test('the bench measures Sluice alone, and writes a table, figures and a plot', {
  timeout: 30 * 60_000,
}, () => {
  const { status, output } = bench(
    ...['--scenario', 'viewers-10', '--scenario', 'viewers-25'],
    ...['--repeat', '1', '--seconds', '9', '--peer', '', '--name', 'smoke', '--out', out],
  );
  assert.equal(status, 0, output);
  assert.match(output, /Sluice is measured alone/);
  const { cells } = JSON.parse(readFileSync(join(out, 'smoke.json'), 'utf8'));
  assert.deepEqual(
    cells.map((cell: { scenario: string }) => cell.scenario),
    ['viewers-10', 'viewers-25'],
  );
  for (const { runs } of cells) {
    assert.equal(runs.length, 1);
    const [run] = runs;
    assert.ok(run.forwarded > 1_000, output);
    for (const figure of ['cpuMicrosecondsPerPacket', 'rssPeakBytes', 'bytesPerSubscription']) {
      assert.ok(run[figure] > 0, `${figure}: ${run[figure]}`);
    }
    assert.equal(run.load.firstFrameMs.count, run.load.clients.planned - 1);
    assert.ok(run.load.latencyMs.p99 > 0);
  }
  assert.match(readFileSync(join(out, 'smoke.md'), 'utf8'), /\| viewers-25 \| sluice \|/);
  assert.match(readFileSync(join(out, 'smoke-viewers.svg'), 'utf8'), /<polyline points="\d/);
});

test('the bench says which scenarios there are when it is given another', {
  timeout: 60_000,
}, () => {
  const { status, output } = bench('--scenario', 'tea');
  assert.equal(status, 1);
  assert.match(output, /--scenario tea is not known: give one of viewers-10, /);
});
