import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

export const PROJECT = join(__dirname, '../../..');
/** What is made once a machine. */
export const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sluice');
const SUITES = { '12': 'bookworm', '13': 'trixie' } as const;
const MIRROR = 'https://deb.debian.org/debian';
const PACKAGES = 'systemd,systemd-sysv,dbus,ca-certificates,curl';
const SOURCES = [
  'package.json',
  'package-lock.json',
  'LICENSE',
  'CHANGELOG.md',
  'docs',
  'node-image',
  'scripts/lib',
];

/** Runs a program in a file system of its own, with mounts that vanish with it. */
const IN_ROOT = `
root=$1; shift
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
exec chroot "$root" "$@"`;

export interface RanInRoot {
  readonly status: number | null;
  /** Of both streams. */
  readonly output: string;
}

/** A Debian 12, or another base, as a cloud's image has it, without a kernel, in a folder. */
export class DebianRoot {
  readonly path: string;

  /** @param base - what it begins as. @default - as debootstrap makes it */
  constructor(base = debianBase()) {
    this.path = mkdtempSync(join(tmpdir(), 'sluice-root-'));
    execFileSync('cp', ['-a', `${base}/.`, this.path]);
    // Of a folder for what is temporary; nobody but root would get through it.
    chmodSync(this.path, 0o755);
    for (const file of ['/etc/resolv.conf', '/etc/ssl/certs/ca-certificates.crt']) {
      cpSync(file, join(this.path, file), { dereference: true });
    }
  }

  /** Copies what makes up a release into /src. */
  addSources(): void {
    copySources(join(this.path, 'src'));
  }

  /** @param isolated - without a network */
  run(command: readonly string[], { isolated = false } = {}): RanInRoot {
    const namespaces = ['-m', '--propagation', 'private', ...(isolated ? ['-n'] : [])];
    const { status, stdout, stderr } = spawnSync(
      'unshare',
      [...namespaces, 'sh', '-c', IN_ROOT, 'in-root', this.path, ...command],
      {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      },
    );
    return { status, output: stdout + stderr };
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** What makes up a release, below the project. */
export function sourceFiles(): string[] {
  const listed = ['ls-files', '-co', '--exclude-standard', ...SOURCES];
  return execFileSync('git', listed, { cwd: PROJECT, encoding: 'utf8' })
    .split('\n')
    .filter((name) => name !== '' && existsSync(join(PROJECT, name)));
}

/** Copies what makes up a release into a folder, which is made. */
export function copySources(target: string): void {
  const files = sourceFiles();
  mkdirSync(target, { recursive: true });
  const archive = execFileSync('tar', ['-cf', '-', '--no-recursion', '-T', '-'], {
    cwd: PROJECT,
    input: files.join('\n'),
    maxBuffer: 1 << 30,
  });
  execFileSync('tar', ['-xf', '-', '-C', target], { input: archive });
}

/**
 * Made once a machine.
 *
 * @param arch - as Node names it. Another one than this machine's needs an emulator.
 */
export function debianBase(
  arch: string = process.arch,
  release: keyof typeof SUITES = '12',
): string {
  return cachedBase(`debian-${release}-root-${arch}`, (folder) => {
    const options = [`--arch=${arch === 'x64' ? 'amd64' : arch}`];
    debootstrap([...options, SUITES[release], folder, MIRROR]);
  });
}

/** Runs debootstrap for what images of clouds have at least. */
export function debootstrap(args: readonly string[]): void {
  const common = ['--variant=minbase', `--include=${PACKAGES}`];
  execFileSync('debootstrap', [...common, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** A folder that is made once a machine, and is there only when it is complete. */
export function cachedBase(name: string, make: (folder: string) => void): string {
  const base = join(CACHE, name);
  if (existsSync(base)) return base;
  mkdirSync(CACHE, { recursive: true });
  const fresh = mkdtempSync(join(CACHE, '.root-'));
  try {
    make(fresh);
    renameSync(fresh, base);
  } catch (error) {
    // Another test file was faster.
    if (!existsSync(base)) throw error;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return base;
}

/** A folder with packages of npm, fetched once a machine. */
export function npmPackages(packages: readonly (readonly [string, string])[]): string {
  const folder = join(CACHE, 'npm-packages');
  mkdirSync(folder, { recursive: true });
  for (const [name, version] of packages) {
    if (readdirSync(folder).includes(`${name}-${version}.tgz`)) continue;
    execFileSync('npm', ['pack', '--silent', `${name}@${version}`], {
      cwd: folder,
      stdio: 'ignore',
    });
  }
  return folder;
}
