/** Brings node_modules to what package-lock.json says. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { run } from './commands.mjs';
import { versionAtLeast } from './host.mjs';
import { OLDEST_NODE } from './node-choice.mjs';
import { dependencyStamp, installedMatchesLock } from './stamp.mjs';
import { step } from './steps.mjs';

/**
 * Settings that decide whether the packages come out whole, whatever the reader's .npmrc says. The
 * registry, proxies, certificates and credentials stay the reader's.
 */
const NPM_SETTINGS = {
  npm_config_audit: 'false',
  npm_config_before: 'null',
  npm_config_bin_links: 'true',
  npm_config_dry_run: 'false',
  npm_config_engine_strict: 'false',
  npm_config_foreground_scripts: 'false',
  npm_config_fund: 'false',
  npm_config_global: 'false',
  npm_config_install_links: 'false',
  npm_config_install_strategy: 'hoisted',
  npm_config_json: 'false',
  npm_config_legacy_peer_deps: 'false',
  npm_config_location: 'project',
  npm_config_loglevel: 'error',
  npm_config_min_release_age: 'null',
  npm_config_package_lock: 'true',
  npm_config_package_lock_only: 'false',
  npm_config_progress: 'false',
  ...(process.platform === 'win32' ? {} : { npm_config_script_shell: '/bin/sh' }),
  npm_config_strict_allow_scripts: 'false',
  npm_config_strict_peer_deps: 'false',
  npm_config_update_notifier: 'false',
};
/** Lists cannot be emptied by the environment, only overruled on the command line. */
const EVERYTHING = ['--include=dev', '--include=optional', '--include=peer'];

/**
 * npm must not run on the Node that it is about to delete, nor see what an outer npm was told.
 *
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
export function npmEnvironment(root, env) {
  const bin = path.join(root, 'node_modules', '.bin');
  const kept = Object.entries(env).filter(([name]) => !/^(npm_config_|node_options$)/i.test(name));
  return {
    ...Object.fromEntries(kept),
    ...onlyRegistrySettings(env),
    ...NPM_SETTINGS,
    PATH: (env.PATH ?? '')
      .split(path.delimiter)
      .filter((folder) => path.resolve(folder) !== bin)
      .join(path.delimiter),
  };
}

/**
 * An outer npm hands on its whole configuration in the environment, and so do some CI systems. How
 * the registry is reached is worth keeping; anything else is decided above.
 *
 * @param {NodeJS.ProcessEnv} env
 */
function onlyRegistrySettings(env) {
  const wanted =
    /^npm_config_(registry|@.*|.*:registry|cache|proxy|https?_proxy|noproxy|cafile|ca|cert|key|strict_ssl|userconfig|globalconfig|offline|prefer_offline|fetch_.*|maxsockets|\/\/.*)$/i;
  return Object.fromEntries(Object.entries(env).filter(([name]) => wanted.test(name)));
}

/**
 * @param {object} options
 * @param {string} options.root
 * @param {import('./node-choice.mjs').NodeChoice} options.node
 * @param {string} options.nodeVersion of the Node that runs this
 */
export async function ensurePackages({ root, node, nodeVersion }) {
  const modules = path.join(root, 'node_modules');
  const stampFile = path.join(modules, '.sluice-set-up');
  const lockfile = readFileSync(path.join(root, 'package-lock.json'), 'utf8');
  const stamp = dependencyStamp({
    lockfile,
    platform: process.platform,
    arch: process.arch,
    nodeKind: node.kind,
    nodeVersion,
  });
  const nodeIsThere = node.kind === 'system' || existsSync(node.path);
  if (nodeIsThere && readText(stampFile) === stamp) {
    return;
  }

  // From here on an interruption must not leave a stamp that is not true.
  rmSync(stampFile, { force: true });
  const env = npmEnvironment(root, process.env);
  const record = readText(path.join(modules, '.package-lock.json'));
  if (!installedMatchesLock(JSON.parse(lockfile), record ? JSON.parse(record) : undefined)) {
    await step('Install the npm packages', () =>
      run('npm', ['ci', '--ignore-scripts', ...EVERYTHING], { cwd: root, env }),
    );
  }
  // The only package that needs its install script: esbuild works without, and mediasoup's is the
  // business of worker.mjs.
  if (node.kind === 'bundled' && !existsSync(node.path)) {
    const why = versionAtLeast(nodeVersion, OLDEST_NODE) ? '' : ` (this one is ${nodeVersion})`;
    await step(`Install Node ${readVersion(modules, 'node')}${why}`, () =>
      rebuild(root, 'node', env),
    );
  }
  mkdirSync(modules, { recursive: true });
  writeFileSync(stampFile, stamp);
}

/**
 * Runs the install scripts of one package.
 *
 * @param {string} root
 * @param {string} name
 * @param {NodeJS.ProcessEnv} env
 */
export function rebuild(root, name, env) {
  return run('npm', ['rebuild', '--ignore-scripts=false', name], { cwd: root, env });
}

/**
 * @param {string} modules
 * @param {string} name
 * @returns {string}
 */
export function readVersion(modules, name) {
  return JSON.parse(readFileSync(path.join(modules, name, 'package.json'), 'utf8')).version;
}

/**
 * @param {string} file
 * @returns {string | undefined} undefined where there is none
 */
function readText(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
