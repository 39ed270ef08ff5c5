/** What the machine is and where its files go. Pure: everything read from it is passed in. */
import path from 'node:path';

/**
 * @typedef {object} OsRelease
 * @property {string} id such as `debian`
 * @property {string} version such as `12`; empty where the distribution has none
 */

/**
 * Reads the two lines of os-release(5) that tell one release from another.
 *
 * @param {string} text the file's content; empty where there is no such file
 * @param {string} fallbackId used when the file names no ID, such as `darwin`
 * @returns {OsRelease}
 */
export function parseOsRelease(text, fallbackId) {
  /** @param {string} key */
  const value = (key) =>
    new RegExp(`^${key}=(["']?)(.*)\\1\\s*$`, 'm').exec(text)?.[2]?.replace(/[^\w.-]/g, '') ?? '';
  return { id: value('ID') || fallbackId, version: value('VERSION_ID') };
}

/**
 * The folder for what is worth keeping between checkouts, following the XDG base directories.
 *
 * @param {{ XDG_CACHE_HOME?: string | undefined, HOME?: string | undefined }} env
 * @param {string} accountHome the account's home, for an environment without HOME
 */
export function cacheFolder(env, accountHome) {
  // The specification says to ignore a relative path.
  const base =
    env.XDG_CACHE_HOME && path.isAbsolute(env.XDG_CACHE_HOME)
      ? env.XDG_CACHE_HOME
      : path.join(env.HOME || accountHome, '.cache');
  return path.join(base, 'sluice');
}

/**
 * @param {string} version such as `22.12.0`
 * @param {string} wanted such as `22.12`
 */
export function versionAtLeast(version, wanted) {
  const have = version.replace(/^v/, '').split('.').map(Number);
  const need = wanted.split('.').map(Number);
  for (const [index, part] of need.entries()) {
    const got = have[index] ?? 0;
    if (got !== part) {
      return got > part;
    }
  }
  return true;
}
