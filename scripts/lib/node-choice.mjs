/** Which Node runs the project: the one that runs this script, or the one among the packages. */
import path from 'node:path';
import { versionAtLeast } from './host.mjs';

/** What mediasoup and `require()` of ES modules need. */
export const OLDEST_NODE = '22.12';

/**
 * @typedef {object} NodeChoice
 * @property {'system' | 'bundled'} kind
 * @property {string} path
 */

/**
 * npm puts `node_modules/.bin` first on the PATH of its scripts, so that once the bundled Node is
 * there this very script runs on it: then it stays the choice, or each run would decide otherwise
 * than the last one.
 *
 * @param {{ root: string, version: string, execPath: string }} running the Node that runs this
 * @returns {NodeChoice}
 */
export function chooseNode({ root, version, execPath }) {
  const modules = path.join(root, 'node_modules');
  const runsBundled = execPath.startsWith(modules + path.sep);
  if (versionAtLeast(version, OLDEST_NODE) && !runsBundled) {
    return { kind: 'system', path: execPath };
  }
  return { kind: 'bundled', path: path.join(modules, 'node', 'bin', 'node') };
}
