/** Where the time of a run has gone. */
import path from 'node:path';
import { inWords } from './steps.mjs';

/** As many are worth a look. */
const SHOWN = 25;
/** Files that take less are not what a run waits for, ms. */
const SHORT_MS = 10_000;

export class Durations {
  /** @type {{ file: string, ms: number }[]} */
  #files = [];

  /**
   * @param {string | undefined} file undefined: of the whole run
   * @param {number} ms
   */
  add(file, ms) {
    if (file !== undefined) {
      this.#files.push({ file: path.relative('.', file), ms });
    }
  }

  /** The files that took longest, a line each: none where all were short. */
  inWords() {
    const longest = this.#files
      .filter(({ ms }) => ms >= SHORT_MS)
      .sort((a, b) => b.ms - a.ms)
      .slice(0, SHOWN);
    return longest.length === 0
      ? ''
      : ['\nThe files that took longest:', ...longest.map(line), ''].join('\n');
  }
}

/** @param {{ file: string, ms: number }} file */
const line = ({ file, ms }) => `  ${inWords(ms).padStart(12)}  ${file}`;
