/** Where mediasoup's native worker comes from. Pure. */
import path from 'node:path';

/**
 * @typedef {object} PrebuiltTarget
 * @property {string} version mediasoup's
 * @property {string} repositoryUrl as its package.json has it
 * @property {string} platform such as `linux`
 * @property {string} arch such as `x64`
 * @property {string} kernel such as `6.1.0-18-amd64`
 * @property {string | undefined} [baseUrl] MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL
 */

/**
 * The address from which mediasoup's postinstall script would download its prebuilt worker.
 *
 * @param {PrebuiltTarget} target
 */
export function prebuiltUrl({ version, repositoryUrl, platform, arch, kernel, baseUrl }) {
  const repository = repositoryUrl.replace(/^git\+/, '').replace(/\.git$/, '');
  const base = baseUrl || `${repository}/releases/download`;
  const os =
    platform === 'linux'
      ? `linux-${arch}-kernel${Number.parseInt(kernel, 10)}`
      : `${platform}-${arch}`;
  return `${base}/${version}/mediasoup-worker-${version}-${os}.tgz`;
}

/**
 * A worker is as good as the libraries it was linked with and the recipe it was built by, so both
 * are in its path.
 *
 * @param {object} key
 * @param {string} key.cache the cache folder
 * @param {string} key.version mediasoup's
 * @param {import('./host.mjs').OsRelease} key.os
 * @param {string} key.arch
 * @param {string} key.recipe hash of everything that decides how it is built
 */
export function cachedWorkerPath({ cache, version, os, arch, recipe }) {
  const folder = ['mediasoup-worker', version, `${os.id}${os.version}`, arch, recipe].join('-');
  return path.join(cache, folder, 'mediasoup-worker');
}

/**
 * @typedef {object} WorkerFacts
 * @property {string | undefined} given MEDIASOUP_WORKER_BIN
 * @property {{ path: string, runs: boolean }} cached built here before
 * @property {{ path: string, runs: boolean }} installed mediasoup's prebuilt one, among the packages
 * @property {boolean | undefined} downloadable undefined as long as nobody has asked
 *
 * @typedef {{ from: 'given' | 'cached' | 'installed', path: string }
 *   | { from: 'ask' | 'download' | 'build' }} WorkerChoice
 */

/**
 * The first that holds: one is given, one is here, mediasoup's own can be had, build one.
 * `ask` means that only the network can tell, and what is here does not do.
 *
 * @param {WorkerFacts} facts
 * @returns {WorkerChoice}
 */
export function chooseWorker({ given, cached, installed, downloadable }) {
  if (given) {
    return { from: 'given', path: given };
  }
  if (cached.runs) {
    return { from: 'cached', path: cached.path };
  }
  if (installed.runs) {
    return { from: 'installed', path: installed.path };
  }
  if (downloadable === undefined) {
    return { from: 'ask' };
  }
  return { from: downloadable ? 'download' : 'build' };
}
