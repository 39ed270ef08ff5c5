/** One line for each thing that set-up does: what, and how long it took. */

/** @param {number} milliseconds */
export function inWords(milliseconds) {
  const seconds = milliseconds / 1000;
  return seconds < 60
    ? `${seconds.toFixed(1)} s`
    : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/**
 * @template T
 * @param {string} what begins with a capital letter, has no full stop
 * @param {() => Promise<T>} work prints nothing itself
 * @returns {Promise<T>}
 */
export async function step(what, work) {
  const start = performance.now();
  // Said before it begins, so that nobody wonders what takes so long.
  process.stderr.write(`set-up: ${what} ... `);
  try {
    const result = await work();
    process.stderr.write(`${inWords(performance.now() - start)}\n`);
    return result;
  } catch (error) {
    process.stderr.write('failed\n');
    throw error;
  }
}

/** @param {string} line */
export function note(line) {
  process.stderr.write(`set-up: ${line}\n`);
}
