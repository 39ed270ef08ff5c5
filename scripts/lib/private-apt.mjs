/** apt for what is fetched and not installed: nothing of this machine changes. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';

/**
 * Has apt look into a state of its own.
 *
 * @param {string} folder for its lists and what it fetches, which is in `cache/archives`
 * @param {readonly string[]} [more] further options, as in apt.conf(5)
 * @returns {string[]} what `apt-get` is called with before anything else
 */
export function privateApt(folder, more = []) {
  for (const name of ['state/lists', 'cache/archives']) {
    mkdirSync(path.join(folder, name, 'partial'), { recursive: true });
  }
  const options = [
    `Dir::State=${path.join(folder, 'state')}`,
    `Dir::Cache=${path.join(folder, 'cache')}`,
    // Its own user may not write there.
    'APT::Sandbox::User=root',
    'Acquire::Languages=none',
    'Acquire::Retries=3',
    ...more,
  ];
  return ['-qq', ...options.flatMap((option) => ['-o', option])];
}
