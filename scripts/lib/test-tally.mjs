/** What became of the tests of a run, file by file. */
import path from 'node:path';

/**
 * @typedef {object} TestCounts
 * @property {number} passed
 * @property {number} failed with cancelled ones
 * @property {number} skipped with those marked to do
 */

/**
 * As which of the counts a result goes. A suite that ran is none: its tests are counted.
 *
 * @param {{ skip?: string | boolean | undefined, todo?: string | boolean | undefined, details: { type?: string | undefined, error?: Error } }} result
 * @param {boolean} ok
 * @returns {keyof TestCounts | undefined}
 */
export function outcomeOf({ skip, todo, details }, ok) {
  if (skip !== undefined || todo !== undefined) {
    return 'skipped';
  }
  const { type, error } = details;
  const subtestsFailed = error && 'failureType' in error && error.failureType === 'subtestsFailed';
  if (type === 'suite' && (ok || subtestsFailed)) {
    return undefined;
  }
  return ok ? 'passed' : 'failed';
}

/** @typedef {{ name: string, entryFile?: string, file?: string | undefined } & Parameters<typeof outcomeOf>[0]} TestResult */

export class Tally {
  /** @type {Map<string, { counts: TestCounts, silent: boolean }>} */
  #files = new Map();

  /** @param {readonly string[]} files relative to the working directory */
  constructor(files) {
    for (const file of files) {
      this.#files.set(file, { counts: { passed: 0, failed: 0, skipped: 0 }, silent: true });
    }
  }

  /**
   * @param {TestResult} data
   * @param {boolean} ok
   */
  add(data, ok) {
    const named = path.relative('.', data.name);
    const isFile = this.#files.has(named);
    // The one that was started: a test may be written in another one, which several share.
    const started = path.relative('.', data.entryFile ?? data.file ?? '');
    const file = this.#files.get(isFile ? named : started);
    if (file === undefined) {
      throw new Error(`a result of ${data.file ?? data.name}, which is not of this run`);
    }
    // A file that cannot be loaded is a failure of its own.
    if (data.file && (!isFile || !ok)) {
      file.silent = false;
    }
    const outcome = isFile && ok ? undefined : outcomeOf(data, ok);
    if (outcome) {
      file.counts[outcome] += 1;
    }
  }

  /**
   * A second try stands for the first one.
   *
   * @param {string} file
   * @param {Tally} tally
   */
  replace(file, tally) {
    const second = tally.#files.get(file);
    if (second) {
      this.#files.set(file, second);
    }
  }

  failed() {
    return [...this.#files].filter(([, { counts }]) => counts.failed > 0).map(([file]) => file);
  }

  /** Files in which no test ran. */
  silent() {
    return [...this.#files].filter(([, { silent }]) => silent).map(([file]) => file);
  }

  /** @returns {TestCounts} */
  counts() {
    const sum = { passed: 0, failed: 0, skipped: 0 };
    for (const { counts } of this.#files.values()) {
      sum.passed += counts.passed;
      sum.failed += counts.failed;
      sum.skipped += counts.skipped;
    }
    return sum;
  }
}
