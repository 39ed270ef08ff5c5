/** Debian packages: installed when we are root, named with the command to type when we are not. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { findProgram, run, SetupError } from './commands.mjs';
import { step } from './steps.mjs';

// biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query fills these in.
const STATUS_FORMAT = '${Package} ${db:Status-Status}\\n';

/**
 * Those that are not installed; all of them where dpkg does not know one.
 *
 * @param {readonly string[]} packages
 */
export function missingPackages(packages) {
  const { stdout } = spawnSync(
    'dpkg-query',
    ['--show', `--showformat=${STATUS_FORMAT}`, ...packages],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const installed = new Set(
    (stdout ?? '')
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  return packages.filter((name) => !installed.has(name));
}

/**
 * The sentence for somebody who has to do it himself. Pure.
 *
 * @param {readonly string[]} packages
 * @param {string} purpose completes "... is missing for"
 * @param {boolean} hasApt
 */
export function howToInstall(packages, purpose, hasApt) {
  const names = packages.join(' ');
  return hasApt
    ? `Missing for ${purpose}: type \`sudo apt-get update && sudo apt-get install -y ${names}\`, then run this again.`
    : `Missing for ${purpose}: install what Debian calls ${names}, then run this again.`;
}

/**
 * @param {readonly string[]} packages known to be missing
 * @param {string} purpose completes "... is missing for"
 * @throws {SetupError} when not root, or when apt-get fails
 */
export async function installPackages(packages, purpose) {
  const apt = findProgram('apt-get', process.env);
  if (!apt || process.getuid?.() !== 0) {
    throw new SetupError(howToInstall(packages, purpose, Boolean(apt)));
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // Somebody else's apt may be at work: on a fresh cloud machine that is the rule.
  const common = ['-qq', '-o', 'DPkg::Lock::Timeout=300', '-o', 'APT::Lock::Timeout=300'];
  await step(`Debian packages for ${purpose}: ${packages.join(' ')}`, async () => {
    if (!hasPackageLists()) {
      await run(apt, [...common, 'update'], { env });
    }
    const install = [...common, 'install', '-y', '--no-install-recommends', ...packages];
    try {
      await run(apt, install, { env });
    } catch {
      // Old lists name versions that the archive has dropped.
      await run(apt, [...common, 'update'], { env });
      await run(apt, install, { env });
    }
  });
}

function hasPackageLists() {
  try {
    return readdirSync('/var/lib/apt/lists').some((name) => name.includes('_Packages'));
  } catch {
    return false;
  }
}
