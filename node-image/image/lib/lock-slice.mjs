/**
 * The part of package.json and package-lock.json that a node needs at run time, and esbuild, which
 * compiles it: npm then installs exactly what the lock says, checksums and all, and nothing else.
 *
 *   lock-slice.mjs <project> <folder>
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const WORKSPACE = 'node-image';
/** Needed to install, and taken away afterwards. */
export const BUILD_TOOLS = ['esbuild'];

/**
 * @typedef {object} LockEntry
 * @property {string} [version]
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [devDependencies]
 * @property {Record<string, string>} [optionalDependencies]
 * @property {Record<string, string>} [peerDependencies]
 * @property {Record<string, { optional?: boolean }>} [peerDependenciesMeta]
 *
 * @typedef {{ packages: Record<string, LockEntry> }} Lock
 */

/**
 * Cuts the lock down to what the workspace of the node needs. Pure.
 *
 * @param {Lock} lock package-lock.json, version 3
 * @param {{ name: string, version: string }} project its package.json
 * @returns {{ project: object, workspace: object, lock: object }} the three files
 */
export function sliceLock(lock, project) {
  const { packages } = lock;
  const { devDependencies: _dev, ...workspace } = entryOf(packages, WORKSPACE);
  const tools = Object.fromEntries(
    BUILD_TOOLS.map((name) => [name, entryOf(packages, `node_modules/${name}`).version ?? '']),
  );
  /** @type {Record<string, LockEntry>} */
  const kept = {};
  const link = `node_modules/${/** @type {{ name?: string }} */ (workspace).name}`;
  const open = [
    ...wantedBy(workspace).map(({ name }) => resolve(packages, WORKSPACE, name)),
    ...BUILD_TOOLS.map((name) => `node_modules/${name}`),
  ];
  for (let place = open.pop(); open.length > 0 || place !== undefined; place = open.pop()) {
    if (place === undefined || kept[place] !== undefined) {
      continue;
    }
    const { dev: _isDev, ...entry } = /** @type {LockEntry & { dev?: boolean }} */ (
      entryOf(packages, place)
    );
    kept[place] = entry;
    for (const { name, optional } of wantedBy(entry)) {
      const found = resolve(packages, place, name, optional);
      if (found !== undefined) {
        open.push(found);
      }
    }
  }
  const { name, version } = project;
  const top = { name, version, private: true, workspaces: [WORKSPACE], dependencies: tools };
  const sorted = Object.fromEntries(Object.entries(kept).sort(([a], [b]) => (a < b ? -1 : 1)));
  return {
    project: top,
    workspace: { ...workspace, private: true },
    lock: {
      name,
      version,
      lockfileVersion: 3,
      requires: true,
      packages: {
        '': top,
        [WORKSPACE]: workspace,
        [link]: packages[link],
        ...sorted,
      },
    },
  };
}

/**
 * @param {LockEntry} entry
 * @returns {{ name: string, optional: boolean }[]}
 */
function wantedBy(entry) {
  const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } = entry;
  return [
    ...Object.keys(dependencies ?? {}).map((name) => ({ name, optional: false })),
    ...Object.keys(optionalDependencies ?? {}).map((name) => ({ name, optional: true })),
    ...Object.keys(peerDependencies ?? {})
      .filter((name) => peerDependenciesMeta?.[name]?.optional !== true)
      .map((name) => ({ name, optional: false })),
  ];
}

/**
 * Where Node.js finds a package: in the node_modules nearest to who asks.
 *
 * @param {Record<string, LockEntry>} packages
 * @param {string} from
 * @param {string} name
 * @param {boolean} [optional]
 */
function resolve(packages, from, name, optional = false) {
  for (let folder = from; ; folder = parentOf(folder)) {
    const place = path.posix.join(folder, 'node_modules', name);
    if (packages[place] !== undefined) {
      return place;
    }
    if (folder === '') {
      if (optional) {
        return undefined;
      }
      throw new Error(`package-lock.json has no ${name}, which ${from} needs: run npm install.`);
    }
  }
}

/** @param {string} folder */
function parentOf(folder) {
  const end = folder.lastIndexOf('/node_modules/');
  return end === -1 ? '' : folder.slice(0, end);
}

/**
 * @param {Record<string, LockEntry>} packages
 * @param {string} place
 * @returns {LockEntry}
 */
function entryOf(packages, place) {
  const entry = packages[place];
  if (entry === undefined) {
    throw new Error(`package-lock.json has no ${place}: run npm install.`);
  }
  return entry;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [root = '.', target = '.'] = process.argv.slice(2);
  /** @param {string} name */
  const read = (name) => JSON.parse(readFileSync(path.join(root, name), 'utf8'));
  const { project, workspace, lock } = sliceLock(read('package-lock.json'), read('package.json'));
  /** @type {[string, object][]} */
  const files = [
    ['package.json', project],
    [`${WORKSPACE}/package.json`, workspace],
    ['package-lock.json', lock],
  ];
  for (const [name, content] of files) {
    const file = path.join(target, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify(content, undefined, 2)}\n`);
  }
}
