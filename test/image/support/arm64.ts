/** What it takes to run a Debian for arm64 on another machine. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../../../scripts/lib/commands.mjs';
import { installPackages } from '../../../scripts/lib/debian.mjs';
import { cacheFolder } from '../../../scripts/lib/host.mjs';
import { recipeHash } from '../../../scripts/lib/worker-build.mjs';

const PROJECT = join(__dirname, '../../..');
const BINFMT = '/proc/sys/fs/binfmt_misc';
const OURS = join(BINFMT, 'sluice-aarch64');
const QEMU = 'qemu-aarch64-static';
/** The head of an ELF program for arm64, and which bits of it count: as qemu's package has it. */
const MAGIC =
  '\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00';
const MASK =
  '\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff';

/**
 * Has the kernel start programs for arm64 in an emulator, in whatever root they are.
 *
 * @returns undoes what this did
 * @throws Error where the kernel cannot
 */
export async function emulateArm64(): Promise<() => void> {
  const nothing = (): void => undefined;
  if (process.arch === 'arm64') return nothing;
  if (!findProgram(QEMU, process.env)) {
    await installPackages(['qemu-user-static'], 'programs for arm64');
  }
  if (!existsSync(join(BINFMT, 'register'))) {
    // As a module it is loaded by the mount.
    execFileSync('mount', ['-t', 'binfmt_misc', 'binfmt_misc', BINFMT], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }
  const there = ['qemu-aarch64', 'sluice-aarch64'].map((name) => join(BINFMT, name));
  // Without F the emulator would have to be in each root.
  if (there.some((file) => existsSync(file) && /^flags:.*F/m.test(readFileSync(file, 'utf8')))) {
    return nothing;
  }
  const qemu = findProgram(QEMU, process.env);
  writeFileSync(join(BINFMT, 'register'), `:sluice-aarch64:M::${MAGIC}:${MASK}:${qemu}:OCF`);
  return () => writeFileSync(OURS, '-1');
}

/**
 * mediasoup's worker for arm64, built once a machine by a command as the manual has it.
 *
 * @param command - with PATH where the worker is to be
 */
export async function arm64Worker(command: string): Promise<string> {
  const given = process.env['MEDIASOUP_WORKER_BIN'];
  if (process.arch === 'arm64' && given !== undefined) return given;
  const { version } = JSON.parse(
    readFileSync(join(PROJECT, 'node_modules/mediasoup/package.json'), 'utf8'),
  );
  // Not the name of those that run here.
  const name = ['cross-mediasoup-worker', version, 'debian12-arm64', recipeHash(PROJECT)].join('-');
  const target = join(cacheFolder(process.env, homedir()), name, 'mediasoup-worker');
  if (!existsSync(target)) {
    const child = spawn('sh', ['-ec', command.replace('PATH', target)], {
      cwd: PROJECT,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`the worker for arm64 could not be built: ${command}`);
  }
  return target;
}

/** The architecture for which an ELF program is: 62 is x86, 183 is arm64. */
export const elfMachine = (file: string): number => readFileSync(file).readUInt16LE(18);
