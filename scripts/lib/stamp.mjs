/** Tells whether the packages in node_modules are those of the lockfile. Pure. */
import { createHash } from 'node:crypto';

/**
 * @typedef {object} StampInput
 * @property {string} lockfile content of package-lock.json
 * @property {string} platform such as `linux`
 * @property {string} arch such as `x64`
 * @property {'system' | 'bundled'} nodeKind
 * @property {string} nodeVersion of the system's Node; the bundled one's stands in the lockfile
 */

/**
 * Changes whenever what set-up does to node_modules would come out differently.
 *
 * @param {StampInput} input
 */
export function dependencyStamp({ lockfile, platform, arch, nodeKind, nodeVersion }) {
  const node =
    nodeKind === 'system' ? `system-${nodeVersion.replace(/^v/, '').split('.')[0]}` : nodeKind;
  const hash = createHash('sha256').update(lockfile).digest('hex');
  return `${hash} ${platform} ${arch} ${node}\n`;
}

/**
 * @typedef {{ version?: string, link?: boolean, optional?: boolean, devOptional?: boolean, peer?: boolean,
 *   optionalDependencies?: Record<string, string> }} LockedPackage
 * @typedef {{ packages?: Record<string, LockedPackage> }} Lock
 */

/**
 * Whether a tree installed by other means (`npm install`) holds what the lockfile asks for: then
 * nothing needs to be deleted and fetched again. Optional packages may be missing, because those
 * of other platforms always are.
 *
 * @param {Lock} wanted package-lock.json
 * @param {Lock | undefined} installed npm's own record, node_modules/.package-lock.json
 */
export function installedMatchesLock(wanted, installed) {
  if (!installed?.packages) {
    return false;
  }
  for (const [place, entry] of Object.entries(wanted.packages ?? {})) {
    // The root and the workspaces themselves are no installed packages.
    if (!place.includes('node_modules/')) {
      continue;
    }
    const found = installed.packages[place];
    if (!found) {
      if (entry.optional || entry.devOptional) {
        continue;
      }
      return false;
    }
    if (found.version !== entry.version || Boolean(found.link) !== Boolean(entry.link)) {
      return false;
    }
  }
  return true;
}

/**
 * Optional dependencies that have no entry where Node would look for them.
 *
 * @param {Lock} lock
 */
export function missingOptional({ packages = {} }) {
  const missing = [];
  for (const [from, { optionalDependencies = {} }] of Object.entries(packages)) {
    for (const [name, range] of Object.entries(optionalDependencies)) {
      if (!foldersAbove(from).some((folder) => packages[`${folder}node_modules/${name}`])) {
        missing.push({ from, name, range });
      }
    }
  }
  return missing;
}

/**
 * @param {string} place such as `node-image/node_modules/pino`
 * @returns {string[]} such as `node-image/node_modules/pino/`, `node-image/`, and the root as ``
 */
function foldersAbove(place) {
  const folders = [''];
  let prefix = '';
  for (const part of place.split('/').filter(Boolean)) {
    prefix += `${part}/`;
    folders.unshift(prefix);
  }
  return folders;
}
