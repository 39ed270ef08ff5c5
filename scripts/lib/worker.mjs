/** Finds, downloads or builds mediasoup's native worker. */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { SetupError, workerRuns } from './commands.mjs';
import { cacheFolder, parseOsRelease } from './host.mjs';
import { npmEnvironment, rebuild } from './npm-packages.mjs';
import { note, step } from './steps.mjs';
import { buildWorker, recipeHash } from './worker-build.mjs';
import { cachedWorkerPath, chooseWorker, prebuiltUrl } from './worker-choice.mjs';

/** How long the release server may take to say whether it has the file. */
const PROBE_MILLISECONDS = 5_000;

/**
 * @param {string} root
 * @returns {Promise<string | undefined>} what MEDIASOUP_WORKER_BIN has to be; undefined when
 *   mediasoup finds its own
 */
export async function ensureWorker(root) {
  const modules = path.join(root, 'node_modules/mediasoup');
  const manifest = manifestOf(root);
  const cached = builtWorker(root);
  const installed = path.join(modules, 'worker/out/Release/mediasoup-worker');
  const given = process.env.MEDIASOUP_WORKER_BIN;
  /** @param {boolean} [downloadable] */
  const choose = (downloadable) =>
    chooseWorker({
      given,
      cached: { path: cached, runs: !given && workerRuns(cached) },
      installed: { path: installed, runs: !given && workerRuns(installed) },
      downloadable,
    });

  let choice = choose();
  if (choice.from === 'given' && !workerRuns(choice.path)) {
    throw new SetupError(
      `MEDIASOUP_WORKER_BIN names ${choice.path}, which is no mediasoup worker that starts here: correct it, or unset it and set-up gets one.`,
    );
  }
  if (choice.from === 'ask') {
    const url = prebuiltUrl({
      version: manifest.version,
      repositoryUrl: manifest.repository.url,
      platform: process.platform,
      arch: process.arch,
      kernel: os.release(),
      baseUrl: process.env.MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL,
    });
    choice = choose(await canDownload(url));
  }
  if (choice.from === 'download' && !(await download(root, installed))) {
    choice = { from: 'build' };
  }
  if (choice.from === 'build') {
    await buildWorker(root, cached);
    return cached;
  }
  return choice.from === 'given' || choice.from === 'cached' ? choice.path : undefined;
}

/**
 * @param {string} root
 * @returns {string} where the worker is that set-up has built, if it has
 */
export function builtWorker(root) {
  return cachedWorkerPath({
    cache: cacheFolder(process.env, os.userInfo().homedir),
    version: manifestOf(root).version,
    os: parseOsRelease(osReleaseText(), process.platform),
    arch: process.arch,
    recipe: recipeHash(root),
  });
}

/**
 * @param {string} root
 * @returns {{ version: string, repository: { url: string } }} of mediasoup
 */
function manifestOf(root) {
  return JSON.parse(readFileSync(path.join(root, 'node_modules/mediasoup/package.json'), 'utf8'));
}

/**
 * @param {string} root
 * @param {string} installed
 */
async function download(root, installed) {
  // Its script would go on to a slow build of its own with yet more downloads. It does that with
  // Python, so without one it gives up at once, and the build here takes over.
  const { MEDIASOUP_WORKER_BIN: _given, ...env } = npmEnvironment(root, process.env);
  return step("Download mediasoup's prebuilt worker", async () => {
    try {
      await rebuild(root, 'mediasoup', { ...env, PYTHON: 'false' });
    } catch {
      return false;
    }
    return workerRuns(installed);
  });
}

/** @param {string} url */
async function canDownload(url) {
  try {
    const answer = await fetch(url, {
      method: 'HEAD',
      signal: AbortSignal.timeout(PROBE_MILLISECONDS),
    });
    if (answer.ok) {
      return true;
    }
    note(`mediasoup has no prebuilt worker for this machine (${answer.status} for ${url})`);
  } catch (error) {
    note(`mediasoup's prebuilt worker cannot be downloaded here (${reason(error)})`);
  }
  return false;
}

/** @param {unknown} error */
function reason(error) {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}

function osReleaseText() {
  try {
    return readFileSync('/etc/os-release', 'utf8');
  } catch {
    return '';
  }
}
