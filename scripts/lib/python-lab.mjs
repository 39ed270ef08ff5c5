/**
 * What tests run in Python, each in one of its own in the user's cache folder: the local AWS, moto, with
 * cfn-lint beside it, and LiveKit's SDK for Python.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { findProgram, run, SetupError } from './commands.mjs';
import { howToInstall, installPackages, missingPackages } from './debian.mjs';
import { cacheFolder } from './host.mjs';
import { step } from './steps.mjs';

const DEBIAN_PACKAGES = ['python3', 'python3-venv'];

/**
 * @typedef {object} PythonLab
 * @property {string} name of its folder
 * @property {string} requirements every package with its version; relative to the project
 * @property {string} variable where tests find its Python
 * @property {string} about what it is, for people
 */

/** @type {PythonLab} */
export const AWS_LAB = {
  name: 'aws-lab',
  requirements: 'test/support/aws-lab/requirements.txt',
  variable: 'AWS_LAB_PYTHON',
  about: 'the local AWS of the tests, moto',
};

/** @type {PythonLab} */
export const PYTHON_SDK = {
  name: 'python-sdk',
  requirements: 'test/support/python-sdk/requirements.txt',
  variable: 'PYTHON_SDK_PYTHON',
  about: "LiveKit's SDK for Python, for tests",
};

/** @type {PythonLab} */
export const AGENTS_PYTHON = {
  name: 'agents-python',
  requirements: 'test/support/agents-python/requirements.txt',
  variable: 'AGENTS_PYTHON',
  about: "LiveKit's agents for Python, for tests (400 MB)",
};

/**
 * Where it is kept; other requirements, another folder. Pure.
 *
 * @param {string} cache
 * @param {PythonLab} lab
 * @param {string} requirements the text
 */
export function labFolder(cache, { name }, requirements) {
  const hash = createHash('sha256').update(requirements).digest('hex').slice(0, 12);
  return path.join(cache, `${name}-${hash}`);
}

/**
 * @param {string} root the project
 * @param {PythonLab} lab
 * @returns {Promise<Record<string, string>>} what the environment of the tests needs
 * @throws {SetupError}
 */
export async function ensurePythonLab(root, lab) {
  const requirements = path.join(root, lab.requirements);
  const cache = cacheFolder(process.env, os.userInfo().homedir);
  const folder = labFolder(cache, lab, readFileSync(requirements, 'utf8'));
  const found = { [lab.variable]: path.join(folder, 'bin/python') };
  // Written last: without it an installation was interrupted.
  const complete = path.join(folder, 'complete');
  if (existsSync(complete)) {
    return found;
  }
  if (findProgram('dpkg-query', process.env)) {
    const missing = missingPackages(DEBIAN_PACKAGES);
    if (missing.length > 0) {
      await installPackages(missing, lab.about);
    }
  }
  mkdirSync(cache, { recursive: true });
  await step(`Install ${lab.about}, once a machine (up to 1 min)`, async () => {
    // Its scripts name its own path, so that it is made where it stays.
    rmSync(folder, { recursive: true, force: true });
    await make(folder, requirements, lab);
    writeFileSync(complete, '');
  });
  return found;
}

/**
 * @param {string} folder
 * @param {string} requirements
 * @param {PythonLab} lab
 */
async function make(folder, requirements, { about }) {
  // Not the reader's own Python, which may lack venv: the one that the packages above brought.
  const python = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';
  const { PYTHONHOME: _home, PYTHONPATH: _path, PIP_TARGET: _target, ...inherited } = process.env;
  const env = { ...inherited, PIP_USER: 'false', PIP_DISABLE_PIP_VERSION_CHECK: '1' };
  try {
    await run(python, ['-m', 'venv', folder], { env });
  } catch (error) {
    throw error instanceof SetupError
      ? new SetupError(`${error.message}\n${howToInstall(DEBIAN_PACKAGES, about, false)}`)
      : error;
  }
  const pip = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--requirement', requirements];
  await run(path.join(folder, 'bin/python'), pip, { env });
}
