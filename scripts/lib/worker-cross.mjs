/**
 * What it takes to build mediasoup's worker on one architecture for another: a compiler of Debian
 * that runs here and writes for there, and a folder with the libraries of there. What is built, with
 * which options and patches, is the same recipe.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { run, SetupError } from './commands.mjs';
import { privateApt } from './private-apt.mjs';
import { step } from './steps.mjs';

/**
 * @typedef {object} Foreign what another architecture is called
 * @property {string} debian by Debian
 * @property {string} triplet by compilers
 * @property {string} compiler Debian's package with it, for those who build here
 * @property {string} family by Meson
 */

/**
 * By Node's name. The other way about nobody has asked for.
 *
 * @type {Readonly<Record<string, Foreign>>}
 */
const FOREIGN = {
  arm64: {
    debian: 'arm64',
    triplet: 'aarch64-linux-gnu',
    compiler: 'g++-aarch64-linux-gnu',
    family: 'aarch64',
  },
};

/** Of the system whose libraries they are; the compiler brings what it needs of its own. */
const C_LIBRARY = 'libc6-dev';
/** The 19th and 20th byte of a program say what it runs on: ELF, e_machine. */
const ELF_MACHINES = /** @type {Readonly<Record<string, number>>} */ ({ aarch64: 183 });

/**
 * @param {string} arch as Node names it
 * @returns {Foreign}
 * @throws {SetupError} for one that is not built for here
 */
export function foreignOf(arch) {
  const found = Object.hasOwn(FOREIGN, arch) ? FOREIGN[arch] : undefined;
  if (!found) {
    throw new SetupError(
      `The worker cannot be built here (${process.arch}) for "${arch}": build it on such a machine; from elsewhere it is built for ${Object.keys(FOREIGN).join(', ')}.`,
    );
  }
  return found;
}

/**
 * Which packages are to be installed here, and which are to be had for there. Pure.
 *
 * @param {readonly string[]} debianPackages of the recipe
 * @param {Foreign} foreign
 */
export function crossPackages(debianPackages, foreign) {
  const isLibrary = (/** @type {string} */ name) => name.endsWith('-dev');
  return {
    tools: [...debianPackages.filter((name) => !isLibrary(name)), foreign.compiler],
    libraries: [...debianPackages.filter(isLibrary), C_LIBRARY],
  };
}

/**
 * Meson's description of the machine for which it builds. Pure.
 *
 * @param {Foreign} foreign
 * @param {string} sysroot the folder with its libraries, absolute
 */
export function crossFile({ triplet, family }, sysroot) {
  const inSysroot = `['--sysroot=${sysroot}']`;
  return `[binaries]
c = '${triplet}-gcc'
cpp = '${triplet}-g++'
ar = '${triplet}-ar'
strip = '${triplet}-strip'
pkg-config = 'pkg-config'

[built-in options]
c_args = ${inSysroot}
c_link_args = ${inSysroot}
cpp_args = ${inSysroot}
cpp_link_args = ${inSysroot}

[properties]
sys_root = '${sysroot}'
pkg_config_libdir = ['${sysroot}/usr/lib/${triplet}/pkgconfig', '${sysroot}/usr/share/pkgconfig']

[host_machine]
system = 'linux'
cpu_family = '${family}'
cpu = '${family}'
endian = 'little'
`;
}

/**
 * Lays out the libraries of the other architecture in a folder, from the servers that this machine
 * has its packages from, with their signatures; for its apt nothing is installed there.
 *
 * @param {readonly string[]} libraries
 * @param {Foreign} foreign
 * @param {string} scratch a folder for the work; the libraries are in `sysroot` below it
 * @returns {Promise<string>} that folder
 */
export async function fetchSysroot(libraries, foreign, scratch) {
  const folder = path.join(scratch, 'apt');
  const sysroot = path.join(scratch, 'sysroot');
  const archives = path.join(folder, 'cache/archives');
  const status = path.join(folder, 'status');
  mkdirSync(sysroot);
  const apt = privateApt(folder, [
    `Dir::State::status=${status}`,
    `APT::Architecture=${foreign.debian}`,
    `APT::Architectures::=${foreign.debian}`,
  ]);
  writeFileSync(status, '');
  await step(`Libraries of Debian for ${foreign.debian}`, async () => {
    await run('apt-get', [...apt, 'update']);
    await run('apt-get', [
      ...apt,
      'install',
      ...['-y', '--no-install-recommends', '--download-only'],
      ...libraries,
    ]);
    for (const name of readdirSync(archives).filter((each) => each.endsWith('.deb'))) {
      await run('dpkg-deb', ['--extract', path.join(archives, name), sysroot]);
    }
  });
  return sysroot;
}

/**
 * @param {string} file
 * @param {Foreign} foreign
 * @returns {boolean} whether it is a program for the other architecture
 */
export function isForeignProgram(file, { family }) {
  const head = readFileSync(file).subarray(0, 20);
  return (
    head.length === 20 &&
    head.subarray(0, 4).equals(Buffer.from('\x7fELF', 'latin1')) &&
    head.readUInt16LE(18) === ELF_MACHINES[family]
  );
}
