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
import { Durations } from './lib/test-durations.mjs';
import {
  filesToRepeat,
  inGroups,
  judge,
  parseTestArguments,
  selectTestFiles,
} from './lib/test-files.mjs';
import { Tally } from './lib/test-tally.mjs';

/** How long one file may take, in milliseconds: a test that hangs must not hang the run. */
const FILE_TIMEOUT = { fast: 5 * 60_000, slow: 20 * 60_000 };

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

/** @returns {Promise<boolean>} whether the run counts as passed */
async function runFiles() {
  const begun = performance.now();
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => interrupted.abort());
  }
  const tally = new Tally(files);
  const durations = new Durations();
  for (const { files: group, concurrency } of inGroups(files, request.concurrency)) {
    await runGroup(group, concurrency, { tally, durations, signal: interrupted.signal });
  }
  const again = interrupted.signal.aborted ? [] : filesToRepeat(tally, request);
  if (again.length > 0) {
    console.log(`\nonce more, one at a time: ${again.join(', ')}\n`);
    for (const file of again) {
      const second = new Tally([file]);
      await runGroup([file], 1, { tally: second, durations, signal: interrupted.signal });
      tally.replace(file, second);
    }
  }

  // With a pattern for names, most files rightly run nothing.
  const verdict = judge(tally.counts(), request.name ? [] : tally.silent(), again);
  const took = inWords(performance.now() - begun);
  // After what the reporter still has to write.
  setImmediate(() => console.log(`${durations.inWords()}\n${verdict.line}, in ${took}`));
  return verdict.ok;
}

/**
 * @param {string[]} group
 * @param {number} concurrency
 * @param {{ tally: Tally, durations: Durations, signal: AbortSignal }} run
 */
async function runGroup(group, concurrency, { tally, durations, signal }) {
  const stream = run({
    files: group.map((file) => path.resolve(file)),
    concurrency,
    execArgv: ['--import', 'tsx'],
    timeout: request.slow ? FILE_TIMEOUT.slow : FILE_TIMEOUT.fast,
    signal,
    ...(request.name ? { testNamePatterns: request.name } : {}),
  });
  stream.on('test:pass', (data) => tally.add(data, true));
  stream.on('test:fail', (data) => tally.add(data, false));
  stream.on('test:summary', ({ file, duration_ms }) => durations.add(file, duration_ms));
  stream.compose(spec).pipe(process.stdout, { end: false });
  await new Promise((resolve) => stream.on('end', resolve));
}
