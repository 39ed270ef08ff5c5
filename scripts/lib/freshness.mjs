/** Whether something that is built from files has to be built again. */
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';

/**
 * @param {string} output a file or folder that one build writes
 * @param {readonly string[]} sources files and folders
 * @returns {boolean} also true when there is no output yet
 */
export function outputIsOlder(output, sources) {
  const built = newest(output);
  return built === 0 || sources.some((source) => newest(source) > built);
}

/**
 * The time of the latest change below a path, in milliseconds; 0 where there is no file.
 *
 * @param {string} place
 * @returns {number}
 */
function newest(place) {
  const stat = statSync(place, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) {
    return stat?.mtimeMs ?? 0;
  }
  const entries = readdirSync(place).filter((name) => name !== 'node_modules' && name !== 'dist');
  // The folder's own time counts with the sources' only through its files: deletion is rare, and
  // building writes into folders.
  return Math.max(0, ...entries.map((name) => newest(path.join(place, name))));
}
