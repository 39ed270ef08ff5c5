/** Which test files a run takes, and whether its outcome is a success. Pure. */

/**
 * @typedef {object} TestRequest
 * @property {boolean} slow the slow files instead of the fast ones
 * @property {string[]} parts parts of paths; none means all files
 * @property {string | undefined} name a pattern for the tests' names
 * @property {number} concurrency test files at a time
 * @property {boolean} repeat run files that fail once more, if they are few
 */

/** More files than these fail for a reason, and not by chance. */
const MOST_REPEATED = 4;

/**
 * @param {readonly string[]} args
 * @param {number} cores
 * @returns {TestRequest}
 * @throws {Error} that says what is allowed
 */
export function parseTestArguments(args, cores) {
  /** @type {TestRequest} */
  const request = {
    slow: false,
    parts: [],
    name: undefined,
    concurrency: Math.max(1, cores),
    repeat: false,
  };
  const rest = [...args];
  while (rest.length > 0) {
    const arg = rest.shift() ?? '';
    if (arg === '--slow') {
      request.slow = true;
    } else if (arg === '--repeat-failed') {
      request.repeat = true;
    } else if (arg === '--name') {
      request.name = rest.shift();
    } else if (arg === '--concurrency') {
      request.concurrency = Number(rest.shift());
    } else if (arg.startsWith('-')) {
      throw new Error(
        `unknown option ${arg}: give parts of test file paths, --slow, --repeat-failed, --name PATTERN or --concurrency N`,
      );
    } else {
      request.parts.push(arg);
    }
  }
  if (!Number.isInteger(request.concurrency) || request.concurrency < 1) {
    throw new Error(`--concurrency takes a whole number from 1, not ${request.concurrency}`);
  }
  return request;
}

/**
 * What runs one after the other: first the files that need the machine for themselves, `.alone.`, as
 * they measure, or have clients that must keep up with pictures, and those that take long; then the
 * rest, several at a time. Most of what slow files take is waiting: for machines to boot, for
 * time-outs.
 *
 * @param {readonly string[]} files
 * @param {number} concurrency
 * @returns {{ files: string[], concurrency: number }[]}
 */
export function inGroups(files, concurrency) {
  const isAlone = (/** @type {string} */ file) => /\.(alone|long)\./.test(file);
  return [
    { files: files.filter(isAlone), concurrency: 1 },
    { files: files.filter((file) => !isAlone(file)), concurrency },
  ].filter((group) => group.files.length > 0);
}

/**
 * A file that was asked for by its own path is taken whether it is slow or not. Files that look for
 * trouble by chance or take long, `.long.test.ts`, are taken only so: `npm run chaos`.
 *
 * @param {readonly string[]} files with forward slashes, relative to the project
 * @param {Pick<TestRequest, 'slow' | 'parts'>} request
 */
export function selectTestFiles(files, { slow, parts }) {
  const named = parts.map((part) => part.replace(/^\.\//, ''));
  return files
    .filter((file) => file.endsWith('.test.ts'))
    .filter((file) => named.includes(file) || !file.endsWith('.long.test.ts'))
    .filter((file) => named.includes(file) || file.endsWith('.slow.test.ts') === slow)
    .filter((file) => named.length === 0 || named.some((part) => file.includes(part)))
    .sort();
}

/**
 * Which files are given a second try, each by itself: a few hundred real calls in a row on a small
 * machine meet moments in which it does something else. What fails twice has failed, and the last
 * line of the run names what passed only then.
 *
 * @param {{ failed(): string[] }} tally
 * @param {Pick<TestRequest, 'repeat'>} request
 */
export function filesToRepeat(tally, { repeat }) {
  const failed = tally.failed();
  return repeat && failed.length <= MOST_REPEATED ? failed : [];
}

/**
 * The last line of a run, and whether it counts as passed: a test that did not run proves nothing.
 *
 * @param {import('./test-tally.mjs').TestCounts} counts
 * @param {readonly string[]} emptyFiles test files in which no test ran
 * @param {readonly string[]} repeated test files that had failed and were run once more
 */
export function judge({ passed, failed, skipped }, emptyFiles, repeated = []) {
  const reasons = [
    ...(skipped > 0 ? ['skipped tests count as failures'] : []),
    ...emptyFiles.map((file) => `${file} has no test`),
    ...(passed + failed + skipped === 0 ? ['no test ran'] : []),
  ];
  const second = repeated.length === 0 ? '' : ` (run twice: ${repeated.join(', ')})`;
  const line = `${passed} passed, ${failed} failed, ${skipped} skipped${second}`;
  return {
    ok: failed === 0 && reasons.length === 0,
    line: reasons.length === 0 ? line : `${line} (${reasons.join('; ')})`,
  };
}
