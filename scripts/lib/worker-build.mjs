/** Builds mediasoup's worker from the source in its npm package, with the system's libraries. */
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { findProgram, run, SetupError, workerRuns } from './commands.mjs';
import { howToInstall, installPackages, missingPackages } from './debian.mjs';
import { fetchSource } from './debian-source.mjs';
import { note, step } from './steps.mjs';
import {
  crossFile,
  crossPackages,
  fetchSysroot,
  foreignOf,
  isForeignProgram,
} from './worker-cross.mjs';

/** Relative to the project. */
export const RECIPE_FOLDER = 'node-image/image/worker-build';
const REQUIREMENTS_FILE = 'node-image/image/python-requirements.txt';

/**
 * @typedef {object} Recipe
 * @property {string[]} debianPackages
 * @property {{ name: string, patches: string[] }[]} debianSources packages that are built along from
 *   source, in subprojects/ by their names
 * @property {string[]} pythonPackages
 * @property {string[]} mesonArguments
 * @property {string} ninjaTarget
 * @property {string[]} patches file names in patches/, applied in order
 */

/**
 * Names everything that decides what comes out: the recipe and the files it adds.
 *
 * @param {string} root
 */
export function recipeHash(root) {
  const folder = path.join(root, RECIPE_FOLDER);
  const hash = createHash('sha256');
  for (const name of filesBelow(folder)) {
    hash
      .update(`${name}\0`)
      .update(readFileSync(path.join(folder, name)))
      .update('\0');
  }
  return hash.digest('hex').slice(0, 12);
}

/**
 * @param {string} root the project
 * @param {string} target where the worker shall be; appears there only when it is complete
 * @param {string} [arch] what it shall run on, as Node names it. @default that of this machine
 * @throws {SetupError} for an architecture that is not built for here, or when it cannot be built
 */
export async function buildWorker(root, target, arch = process.arch) {
  const folder = path.join(root, RECIPE_FOLDER);
  /** @type {Recipe} */
  const recipe = JSON.parse(readFileSync(path.join(folder, 'recipe.json'), 'utf8'));
  const foreign = arch === process.arch ? undefined : foreignOf(arch);
  const hasDpkg = findProgram('dpkg-query', process.env) !== undefined;
  const cross = foreign && crossPackages(recipe.debianPackages, foreign);
  const packages = cross?.tools ?? recipe.debianPackages;
  if (hasDpkg) {
    const missing = missingPackages(packages);
    if (missing.length > 0) {
      await installPackages(missing, "building mediasoup's worker");
    }
  }

  const cache = path.dirname(path.dirname(target));
  mkdirSync(cache, { recursive: true });
  removeAbandoned(cache);
  const scratch = mkdtempSync(path.join(cache, '.building-'));
  try {
    const sysroot = cross && foreign && (await fetchSysroot(cross.libraries, foreign, scratch));
    const whose = foreign === undefined ? '' : ` for ${foreign.debian}`;
    const what = `Build mediasoup's worker${whose} from source, once a machine (about 4 min)`;
    await step(what, async () => {
      try {
        await compile({ root, folder, recipe, scratch, foreign, sysroot });
      } catch (error) {
        if (!hasDpkg && error instanceof SetupError) {
          note(howToInstall(packages, "building mediasoup's worker", false));
        }
        throw error;
      }
    });
    const built = path.join(scratch, 'worker/out', 'mediasoup-worker');
    if (foreign === undefined ? !workerRuns(built) : !isForeignProgram(built, foreign)) {
      throw new SetupError(
        foreign === undefined
          ? `The worker that was built does not start; look at it with \`ldd\`: ${target}`
          : `The worker that was built is none for ${foreign.debian}: take the package ${foreign.compiler} as Debian has it.`,
      );
    }
    mkdirSync(path.dirname(target), { recursive: true });
    // On the same file system, hence atomic: no other checkout ever sees half a file.
    renameSync(built, target);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * @typedef {object} Compilation
 * @property {string} root the project
 * @property {string} folder of the recipe
 * @property {Recipe} recipe
 * @property {string} scratch
 * @property {import('./worker-cross.mjs').Foreign | undefined} foreign undefined: for this machine
 * @property {string | undefined} sysroot the libraries of the foreign architecture
 *
 * @param {Compilation} compilation
 */
async function compile({ root, folder, recipe, scratch, foreign, sysroot }) {
  const worker = path.join(scratch, 'worker');
  cpSync(path.join(root, 'node_modules/mediasoup/worker'), worker, { recursive: true });
  // What the package has there names archives to download.
  rmSync(path.join(worker, 'subprojects'), { recursive: true, force: true });
  cpSync(path.join(folder, 'subprojects'), path.join(worker, 'subprojects'), { recursive: true });
  await applyPatches(recipe.patches, folder, worker);
  for (const source of recipe.debianSources) {
    await addSource(source, { folder, scratch, worker });
  }

  const tools = path.join(scratch, 'tools');
  // Not the reader's own Python, which may lack venv: the one that the packages above brought.
  const python = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';
  const { PYTHONHOME: _home, PYTHONPATH: _path, PIP_TARGET: _target, ...inherited } = process.env;
  const env = {
    ...inherited,
    PIP_USER: 'false',
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    NINJA: path.join(tools, 'bin/ninja'),
  };
  await run(python, ['-m', 'venv', tools], { env });
  // With checksums, for exactly what the recipe names.
  const requirements = path.join(root, REQUIREMENTS_FILE);
  await run(
    path.join(tools, 'bin/python'),
    ['-m', 'pip', 'install', '--quiet', '--require-hashes', '-r', requirements],
    { env },
  );
  const setup = ['setup', 'out', ...recipe.mesonArguments];
  if (foreign && sysroot) {
    const file = path.join(scratch, 'cross.ini');
    writeFileSync(file, crossFile(foreign, sysroot));
    setup.push('--cross-file', file);
  }
  await run(path.join(tools, 'bin/meson'), setup, { cwd: worker, env });
  await run(path.join(tools, 'bin/ninja'), ['-C', 'out', recipe.ninjaTarget], { cwd: worker, env });
  const strip = foreign ? `${foreign.triplet}-strip` : 'strip';
  await run(strip, ['out/mediasoup-worker'], { cwd: worker, env });
}

/**
 * @param {Recipe['debianSources'][number]} source
 * @param {{ folder: string, scratch: string, worker: string }} where
 */
async function addSource({ name, patches }, { folder, scratch, worker }) {
  let unpacked;
  try {
    unpacked = await fetchSource(name, scratch);
  } catch (error) {
    if (!(error instanceof SetupError)) {
      throw error;
    }
    // The worker is the same without, and takes more CPU.
    note(`No source of ${name} from this machine's package servers: its library is used instead.`);
    return;
  }
  const target = path.join(worker, 'subprojects', name);
  renameSync(unpacked, target);
  await applyPatches(patches, folder, target);
}

/**
 * @param {readonly string[]} patches
 * @param {string} folder of the recipe
 * @param {string} cwd
 */
async function applyPatches(patches, folder, cwd) {
  for (const patch of patches) {
    await run('patch', ['-p1', '--batch', '-i', path.join(folder, 'patches', patch)], { cwd });
  }
}

/**
 * Takes away what an interrupted build left behind.
 *
 * @param {string} cache
 */
function removeAbandoned(cache) {
  const aWhileAgo = Date.now() - 3 * 3_600_000;
  for (const name of readdirSync(cache)) {
    const folder = path.join(cache, name);
    // It may vanish meanwhile, when another set-up is done.
    const age = statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (name.startsWith('.building-') && age < aWhileAgo) {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

/**
 * @param {string} folder
 * @returns {string[]} relative, in an order that does not depend on the file system
 */
function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(path.join(folder, name)).isFile())
    .sort();
}
