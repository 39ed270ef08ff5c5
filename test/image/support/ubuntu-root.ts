import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cachedBase, debootstrap } from './debian-root';

const SUITE = 'noble';
const ARCHIVE = 'https://archive.ubuntu.com/ubuntu';
/** With the keys of the archive. Debian has no such package; this one is known by its checksum. */
const KEYS_PACKAGE = `${ARCHIVE}/pool/main/u/ubuntu-keyring/ubuntu-keyring_2023.11.28.1_all.deb`;
const KEYS_SHA256 = '36de43b15853ccae0028e9a767613770c704833f82586f28eb262f0311adb8a8';
const KEYRING = 'usr/share/keyrings/ubuntu-archive-keyring.gpg';
/** Debian's debootstrap has it for all releases of Ubuntu, and may not know this one by name. */
const SCRIPT = '/usr/share/debootstrap/scripts/gutsy';

/** An Ubuntu 24.04 as a cloud's image has it, without a kernel. Made once a machine. */
export function ubuntuBase(): string {
  return cachedBase(`ubuntu-24.04-root-${process.arch}`, (folder) => {
    const keys = mkdtempSync(join(tmpdir(), 'sluice-keys-'));
    try {
      const file = join(keys, 'keys.deb');
      const package_ = execFileSync('curl', ['-fsS', '--retry', '3', KEYS_PACKAGE]);
      const checksum = createHash('sha256').update(package_).digest('hex');
      if (checksum !== KEYS_SHA256) throw new Error(`${KEYS_PACKAGE} has the SHA-256 ${checksum}`);
      writeFileSync(file, package_);
      execFileSync('dpkg-deb', ['--extract', file, keys]);
      const keyring = `--keyring=${join(keys, KEYRING)}`;
      debootstrap([keyring, '--components=main,universe', SUITE, folder, ARCHIVE, SCRIPT]);
      addSources(folder);
      // Unlike Debian's it leaves the folder as it was.
      chmodSync(folder, 0o755);
    } finally {
      rmSync(keys, { recursive: true, force: true });
    }
  });
}

/** Updates as well, and in the form that its images have. */
function addSources(folder: string): void {
  const suites = ['', '-updates', '-security'].map((part) => `${SUITE}${part}`).join(' ');
  writeFileSync(join(folder, 'etc/apt/sources.list'), '');
  writeFileSync(
    join(folder, 'etc/apt/sources.list.d/ubuntu.sources'),
    `Types: deb\nURIs: ${ARCHIVE}\nSuites: ${suites}\nComponents: main universe\nSigned-By: /${KEYRING}\n`,
  );
}
