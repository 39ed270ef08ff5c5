/** Builds the load source, once a machine and state of its sources. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { availableParallelism, userInfo } from 'node:os';
import { join } from 'node:path';

const SOURCES = join(__dirname, 'load');
const PROGRAM = 'sluice-load';
/** As in load/Cargo.toml. */
const LEAST_CARGO = '1.89';
const DEBIAN_PACKAGE = 'cargo-web';

/**
 * The path of the load source, built when it is not in the user's cache yet. Takes some minutes the
 * first time, seconds after a change of the sources.
 *
 * @throws Error in words for the reader when there is no cargo, or the build fails.
 */
export async function ensureLoadSource(): Promise<string> {
  const { cacheFolder } = await import('../scripts/lib/host.mjs');
  const { step } = await import('../scripts/lib/steps.mjs');
  const cache = cacheFolder(process.env, userInfo().homedir);
  const target = join(cache, `load-${hashOfSources()}-${process.arch}`, PROGRAM);
  if (existsSync(target)) return target;
  const cargo = await findCargo();
  const objects = objectsIn(cache);
  await step('Build the load source of the bench (the first time about 4 min)', () =>
    runCargo(cargo, objects, ['build', '--release']),
  );
  const scratch = mkdtempSync(join(cache, '.load-'));
  try {
    copyFileSync(join(objects, 'release', PROGRAM), join(scratch, PROGRAM));
    mkdirSync(join(target, '..'), { recursive: true });
    // On the same file system, hence atomic: nobody ever starts half a file.
    renameSync(join(scratch, PROGRAM), target);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return target;
}

/**
 * Runs the tests that the load source has of its own parts.
 *
 * @throws Error in words for the reader when there is no cargo, or with what failed.
 */
export async function runLoadSourceTests(): Promise<void> {
  const { cacheFolder } = await import('../scripts/lib/host.mjs');
  const objects = objectsIn(cacheFolder(process.env, userInfo().homedir));
  await runCargo(await findCargo(), objects, ['test', '--release']);
}

/** Shared by all states of the sources, so that only what changed is compiled again. */
const objectsIn = (cache: string): string => join(cache, 'load-objects');

/**
 * The cargo of the PATH where it is new enough; else Debian's, which has a current one for building
 * browsers, installed where that can be done without asking.
 */
async function findCargo(): Promise<string> {
  const { findProgram } = await import('../scripts/lib/commands.mjs');
  const { installPackages } = await import('../scripts/lib/debian.mjs');
  const found = (): string | undefined => {
    const cargo = findProgram('cargo', process.env);
    return cargo !== undefined && isNewEnough(cargo) ? cargo : undefined;
  };
  const cargo = found();
  if (cargo !== undefined) return cargo;
  if (process.getuid?.() === 0 && findProgram('apt-get', process.env) !== undefined) {
    // Where Debian has none, the sentence below says what to do.
    await installPackages([DEBIAN_PACKAGE], 'the load source of the bench').catch(() => undefined);
    const installed = found();
    if (installed !== undefined) return installed;
  }
  throw new Error(
    `The load source of the bench is written in Rust, and there is no cargo on the PATH that is ${LEAST_CARGO} or newer: get it with \`curl -sSf https://sh.rustup.rs | sh\`, or on Debian 12 with \`apt-get install ${DEBIAN_PACKAGE}\`, then run this again.`,
  );
}

function isNewEnough(cargo: string): boolean {
  const { stdout } = spawnSync(cargo, ['--version'], { encoding: 'utf8', cwd: SOURCES });
  const [, major, minor] = /^cargo (\d+)\.(\d+)/.exec(stdout ?? '') ?? [];
  const [leastMajor = 0, leastMinor = 0] = LEAST_CARGO.split('.').map(Number);
  return (
    Number(major) > leastMajor || (Number(major) === leastMajor && Number(minor) >= leastMinor)
  );
}

async function runCargo(cargo: string, objects: string, args: readonly string[]): Promise<void> {
  const { run } = await import('../scripts/lib/commands.mjs');
  mkdirSync(objects, { recursive: true });
  await run('nice', ['-n', '10', cargo, ...args, '--locked', `-j${jobs()}`], {
    cwd: SOURCES,
    env: { ...process.env, CARGO_TARGET_DIR: objects },
  });
}

/** Everything that decides what comes out. */
function hashOfSources(): string {
  const sources = readdirSync(join(SOURCES, 'src')).map((name) => join('src', name));
  const hash = createHash('sha256');
  for (const name of ['Cargo.toml', 'Cargo.lock', ...sources.sort()]) {
    hash
      .update(`${name}\0`)
      .update(readFileSync(join(SOURCES, name)))
      .update('\0');
  }
  return hash.digest('hex').slice(0, 12);
}

/** One core stays free for whoever works at the machine; nobody does where tests run by themselves. */
function jobs(): number {
  return Math.max(1, availableParallelism() - (process.env['CI'] ? 0 : 1));
}
