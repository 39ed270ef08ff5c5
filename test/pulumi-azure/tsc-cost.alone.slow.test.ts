/** What checking the types of the project for Azure costs: those of Pulumi's provider are large. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { report } from '../support/measure-report';

const REPOSITORY = join(__dirname, '../..');
const COMPILER = join(REPOSITORY, 'node_modules/typescript/bin/tsc');

/** What somebody who works on it should wait and give at most, in seconds and GiB: goals, as other programs count. */
const GOAL = { seconds: 60, gib: 3 };

/** The compiler, which says at its end how much memory it had at most, in KiB (getrusage(2)). */
const MEASURED = `
  process.on('exit', () => process.stderr.write(String(process.resourceUsage().maxRSS)));
  process.argv.splice(1, 0, 'tsc');
  require(${JSON.stringify(COMPILER)});
`;

test('tsc of the project for Azure: what it takes is written down', async (t) => {
  const args = ['-p', 'pulumi-azure', '--noEmit', '--incremental', 'false'];
  const begun = performance.now();
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['-e', MEASURED, '--', ...args, '--tsBuildInfoFile', 'null'],
    { cwd: REPOSITORY, encoding: 'utf8' },
  );
  const seconds = (performance.now() - begun) / 1000;
  assert.equal(status, 0, stdout + stderr);
  const gib = Number(stderr.trim()) / 1024 ** 2;
  assert.ok(gib > 0, stderr);
  const reached = seconds < GOAL.seconds && gib < GOAL.gib ? 'reached' : 'missed';
  await report(t, {
    name: 'azure-tsc',
    about: `tsc -p pulumi-azure, which holds its tests too, from nothing. The goal is below ${GOAL.seconds} s and ${GOAL.gib} GiB: ${reached}.`,
    units: { time: 's', memory: 'GiB' },
    rows: [{ case: 'tsc', figures: { time: seconds.toFixed(1), memory: gib.toFixed(2) } }],
  });
});
