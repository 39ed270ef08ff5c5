/**
 * The local AWS of tests, moto, in a Python of its own, with cfn-lint beside it: versions are pinned in
 * test/support/aws-lab/requirements.txt.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { findProgram, run, SetupError } from './commands.mjs';
import { howToInstall, installPackages, missingPackages } from './debian.mjs';
import { cacheFolder } from './host.mjs';
import { step } from './steps.mjs';

/** Relative to the project. */
export const REQUIREMENTS = 'test/support/aws-lab/requirements.txt';
const DEBIAN_PACKAGES = ['python3', 'python3-venv'];

/**
 * Where it is kept; other requirements, another folder. Pure.
 *
 * @param {string} cache
 * @param {string} requirements the text
 */
export function labFolder(cache, requirements) {
  const hash = createHash('sha256').update(requirements).digest('hex').slice(0, 12);
  return path.join(cache, `aws-lab-${hash}`);
}

/**
 * @param {string} root the project
 * @returns {Promise<string>} what AWS_LAB_PYTHON has to be
 * @throws {SetupError}
 */
export async function ensureAwsLab(root) {
  const requirements = path.join(root, REQUIREMENTS);
  const cache = cacheFolder(process.env, os.userInfo().homedir);
  const folder = labFolder(cache, readFileSync(requirements, 'utf8'));
  const python = path.join(folder, 'bin/python');
  // Written last: without it an installation was interrupted.
  const complete = path.join(folder, 'complete');
  if (existsSync(complete)) {
    return python;
  }
  if (findProgram('dpkg-query', process.env)) {
    const missing = missingPackages(DEBIAN_PACKAGES);
    if (missing.length > 0) {
      await installPackages(missing, 'the local AWS of the tests');
    }
  }
  mkdirSync(cache, { recursive: true });
  await step('The local AWS of the tests: moto, once a machine (about 1 min)', async () => {
    // Its scripts name its own path, so that it is made where it stays.
    rmSync(folder, { recursive: true, force: true });
    await make(folder, requirements);
    writeFileSync(complete, '');
  });
  return python;
}

/**
 * @param {string} folder
 * @param {string} requirements
 */
async function make(folder, requirements) {
  // Not the reader's own Python, which may lack venv: the one that the packages above brought.
  const python = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';
  const { PYTHONHOME: _home, PYTHONPATH: _path, PIP_TARGET: _target, ...inherited } = process.env;
  const env = { ...inherited, PIP_USER: 'false', PIP_DISABLE_PIP_VERSION_CHECK: '1' };
  try {
    await run(python, ['-m', 'venv', folder], { env });
  } catch (error) {
    throw error instanceof SetupError
      ? new SetupError(
          `${error.message}\n${howToInstall(DEBIAN_PACKAGES, 'the local AWS of the tests', false)}`,
        )
      : error;
  }
  const pip = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--requirement', requirements];
  await run(path.join(folder, 'bin/python'), pip, { env });
}
