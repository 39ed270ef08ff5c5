import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { tiedProgram } from '../../../node-image/jobs/egress/tied-program';
import { browserStart } from '../../../node-image/jobs/egress/web/browser-start';

it('a program of a job gives way to the node: of the processor, and of memory', () => {
  const [program, args] = tiedProgram('cat', ['/proc/self/oom_score_adj', '/proc/self/stat']);
  const [adjust, stat = ''] = execFileSync(program, args, { encoding: 'utf8' }).split('\n');
  const own = Number(readFileSync('/proc/self/oom_score_adj', 'utf8'));
  assert.equal(Number(adjust), Math.max(300, own));
  // Source: proc_pid_stat(5), field 19.
  const nice = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
  assert.equal(nice, Math.min(19, getPriority() + 5));
});

it('a browser is started as other programs of jobs are', async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-browser's-"));
  try {
    const start = await browserStart('/bin/cat', folder);
    const [adjust] = execFileSync(start, ['/proc/self/oom_score_adj'], { encoding: 'utf8' }).split(
      '\n',
    );
    assert.ok(Number(adjust) >= 300, adjust);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
