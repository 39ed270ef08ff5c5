import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Registry } from 'prom-client';
import {
  DescriptorGate,
  descriptorWarning,
  neededDescriptors,
} from '../../node-image/lifecycle/os-limits';
import { watchDescriptors } from '../../node-image/telemetry/descriptor-metrics';
import { readDescriptorLimits, readDescriptors } from '../../node-image/telemetry/descriptors';

/** What a program of Node.js prints that is started with these limits. */
function startedUnder(soft: number, hard: number, program: string): string {
  const { stdout, stderr, status } = spawnSync(
    'bash',
    [
      '-c',
      `ulimit -Sn ${soft} && ulimit -Hn ${hard} && exec "$0" -e "$1"`,
      process.execPath,
      program,
    ],
    { encoding: 'utf8' },
  );
  assert.equal(status, 0, stderr);
  return stdout;
}

const PRINT_LIMIT = `/^Max open files\\s+(\\d+)\\s+(\\d+)/m.exec(
  require('node:fs').readFileSync('/proc/self/limits', 'utf8')).slice(1).join(' ')`;

describe('the limit of open files', () => {
  test('is raised as far as it goes by Node.js itself, for what it starts too', () => {
    assert.equal(startedUnder(100, 900, `console.log(${PRINT_LIMIT})`), '900 900\n');
    const inChild = `console.log(require('node:child_process').execFileSync(
      'bash', ['-c', 'ulimit -Sn'], { encoding: 'utf8' }).trim())`;
    assert.equal(startedUnder(100, 900, inChild), '900\n');
  });

  test('is read as Linux tells it', () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'sluice-limits-'));
    try {
      const file = path.join(directory, 'limits');
      const head = 'Limit                     Soft Limit           Hard Limit           Units\n';
      writeFileSync(
        file,
        `${head}Max open files            1024                 unlimited     files\n`,
      );
      assert.deepEqual(readDescriptorLimits(file), { soft: 1024, hard: Number.MAX_SAFE_INTEGER });
      assert.deepEqual(readDescriptorLimits(path.join(directory, 'none')), { soft: 0, hard: 0 });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('is warned of where it is lower than the workers and their clients need', () => {
    assert.equal(neededDescriptors(4), 8320);
    assert.equal(descriptorWarning({ soft: 8320, hard: 8320 }, 4), undefined);
    assert.equal(descriptorWarning({ soft: 0, hard: 0 }, 4), undefined);
    assert.match(
      descriptorWarning({ soft: 1024, hard: 1024 }, 4) ?? '',
      /^this process may have 1024 files open, and 4 media workers .* need about 8320: .*LimitNOFILE=/,
    );
  });

  test('and what is open are metrics', async () => {
    const registry = new Registry();
    watchDescriptors(registry, () => ({ used: 7, limit: 100 }));
    const text = await registry.metrics();
    assert.match(text, /^sluice_file_descriptors 7$/m);
    assert.match(text, /^sluice_file_descriptor_limit 100$/m);
  });
});

describe('DescriptorGate', () => {
  test('is full past 90 %, and looks at most once a second', () => {
    let now = 0;
    let looks = 0;
    let used = 80;
    const gate = new DescriptorGate({
      now: () => now,
      read: () => {
        looks += 1;
        return { used, limit: 100 };
      },
    });
    assert.equal(gate.isFull(), false);
    used = 91;
    now = 999;
    assert.equal(gate.isFull(), false);
    now = 1000;
    assert.equal(gate.isFull(), true);
    for (let count = 0; count < 1000; count += 1) gate.isFull();
    assert.equal(looks, 2);
    used = 50;
    now = 2000;
    assert.equal(gate.isFull(), false);
  });

  test('takes those that come at once for what they need', () => {
    const gate = new DescriptorGate({ now: () => 0, read: () => ({ used: 80, limit: 100 }) });
    const letIn = Array.from({ length: 50 }, () => gate.isFull()).filter((full) => !full);
    assert.equal(letIn.length, 6);
  });

  test('is never full where the limit is not known', () => {
    assert.equal(new DescriptorGate({ read: () => ({ used: 9e9, limit: 0 }) }).isFull(), false);
  });

  test('sees what this process has open', () => {
    const { used, limit } = readDescriptors();
    assert.ok(used > 3 && used < limit, `${used} of ${limit}`);
    assert.equal(new DescriptorGate().isFull(), false);
  });

  test('sees that no descriptor is left at all', () => {
    const program = `
      const fs = require('node:fs');
      const { readDescriptors } = require(process.env.DESCRIPTORS);
      const before = readDescriptors();
      const open = [];
      try { for (;;) open.push(fs.openSync('/dev/null')); } catch {}
      const { used } = readDescriptors();
      for (const one of open) fs.closeSync(one);
      console.log(before.limit, used > before.limit * 0.9);`;
    const { stdout, stderr } = spawnSync(
      'bash',
      ['-c', 'ulimit -n 200 && exec "$0" --import tsx -e "$1"', process.execPath, program],
      {
        encoding: 'utf8',
        cwd: path.join(__dirname, '../..'),
        env: {
          ...process.env,
          DESCRIPTORS: path.join(__dirname, '../../node-image/telemetry/descriptors.ts'),
        },
      },
    );
    assert.equal(stdout, '200 true\n', stderr);
  });
});
