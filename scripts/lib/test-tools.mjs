/** The programs that tests need beside Node. */
import { findProgram, SetupError } from './commands.mjs';
import { howToInstall, installPackages } from './debian.mjs';

/**
 * Debian's package for each program.
 *
 * @type {Readonly<Record<string, string>>}
 */
const TOOLS = {
  turnserver: 'coturn',
  'redis-server': 'redis-server',
  ffmpeg: 'ffmpeg',
  Xvfb: 'xvfb',
  pulseaudio: 'pulseaudio',
  nft: 'nftables',
  ip: 'iproute2',
  haproxy: 'haproxy',
  nginx: 'nginx-light',
  pebble: 'pebble',
  shellcheck: 'shellcheck',
  'systemd-analyze': 'systemd',
  debootstrap: 'debootstrap',
  'systemd-nspawn': 'systemd-container',
  podman: 'podman',
  runc: 'runc',
  skopeo: 'skopeo',
  umoci: 'umoci',
};
const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/**
 * What has to be installed. Pure.
 *
 * @param {(program: string) => string | undefined} find
 * @param {string | undefined} givenBrowser CHROMIUM_BIN
 */
export function missingTools(find, givenBrowser) {
  const packages = Object.entries(TOOLS)
    .filter(([program]) => !find(program))
    .map(([, name]) => name);
  if (!givenBrowser && !BROWSERS.some((name) => find(name))) {
    packages.push('chromium');
  }
  return packages;
}

/** @returns {Promise<string>} what CHROMIUM_BIN has to be */
export async function ensureTestTools() {
  const given = process.env.CHROMIUM_BIN || undefined;
  /** @param {string} program */
  const find = (program) => findProgram(program, process.env);
  const missing = missingTools(find, given);
  if (missing.length > 0) {
    await installPackages(missing, 'the tests');
    const still = missingTools(find, given);
    if (still.length > 0) {
      throw new SetupError(howToInstall(still, 'the tests', false));
    }
  }
  const browser = [given, ...BROWSERS].map((name) => name && find(name)).find(Boolean);
  if (!browser || (given && !find(given))) {
    throw new SetupError(
      `CHROMIUM_BIN names ${given}, which cannot be executed: correct it, or unset it and the system's Chromium is used.`,
    );
  }
  return browser;
}
