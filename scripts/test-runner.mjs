/**
 * Runs test files, each in a process of its own, and fails when a test failed, was skipped, or none
 * ran. Started by run.mjs, on a Node that is new enough.
 */
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { inWords } from './lib/steps.mjs';
import {
  inGroups,
  judge,
  outcomeOf,
  parseTestArguments,
  selectTestFiles,
} from './lib/test-files.mjs';

/** How long one file may take, in milliseconds: a test that hangs must not hang the run. */
const FILE_TIMEOUT = { fast: 5 * 60_000, slow: 40 * 60_000 };

const request = parseTestArguments(process.argv.slice(2), availableParallelism());
const all = readdirSync('test', { recursive: true, encoding: 'utf8' }).map((name) =>
  path.posix.join('test', name.split(path.sep).join('/')),
);
const files = selectTestFiles(all, request);
if (files.length === 0 && request.slow && request.parts.length === 0) {
  console.log('There is no slow test yet.');
} else {
  process.exitCode = (await runFiles()) ? 0 : 1;
}

/** @typedef {import('node:test').EventData.TestPass | import('node:test').EventData.TestFail} TestEvent */

async function runFiles() {
  const begun = performance.now();
  const counts = { passed: 0, failed: 0, skipped: 0 };
  /** @type {Set<string>} */
  const silent = new Set(files);
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => interrupted.abort());
  }

  /** @param {TestEvent} data @param {boolean} ok */
  const count = (data, ok) => {
    const isFile = files.includes(path.relative('.', data.name));
    // A file that cannot be loaded is a failure of its own.
    if (data.file && (!isFile || !ok)) {
      silent.delete(path.relative('.', data.file));
    }
    const outcome = isFile && ok ? undefined : outcomeOf(data, ok);
    if (outcome) {
      counts[outcome] += 1;
    }
  };
  for (const { files: group, concurrency } of inGroups(files, request.concurrency)) {
    const stream = run({
      files: group.map((file) => path.resolve(file)),
      concurrency,
      execArgv: ['--import', 'tsx'],
      timeout: request.slow ? FILE_TIMEOUT.slow : FILE_TIMEOUT.fast,
      signal: interrupted.signal,
      ...(request.name ? { testNamePatterns: request.name } : {}),
    });
    stream.on('test:pass', (data) => count(data, true));
    stream.on('test:fail', (data) => count(data, false));
    stream.compose(spec).pipe(process.stdout, { end: false });
    await new Promise((resolve) => stream.on('end', resolve));
  }

  // With a pattern for names, most files rightly run nothing.
  const verdict = judge(counts, request.name ? [] : [...silent].sort());
  const took = inWords(performance.now() - begun);
  // After what the reporter still has to write.
  setImmediate(() => console.log(`\n${verdict.line}, in ${took}`));
  return verdict.ok;
}
