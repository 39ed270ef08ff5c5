import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE, cachedBase, DebianRoot, PROJECT, sourceFiles } from './debian-root';
import { addDownloads } from './downloads';

const PREFIX = 'installed-root-';
/** Others on this machine may be about to copy one of other sources, ms. */
const KEPT_MS = 24 * 3600_000;

/** A root with what install.sh needs, in /src and /downloads, and not yet run. */
export function rootWithSources(): DebianRoot {
  const root = new DebianRoot();
  root.addSources();
  addDownloads(root);
  return root;
}

/**
 * A root on which install.sh has been run. It is run once for the same sources: each test gets a copy
 * of its own.
 *
 * @param options - further ones of install.sh
 */
export function installedRoot(options: readonly string[] = []): DebianRoot {
  return new DebianRoot(installedBase(options));
}

/** What `installedRoot` is a copy of, for who changes nothing in it. @returns the folder */
export function installedBase(options: readonly string[] = []): string {
  return cachedBase(`${PREFIX}${digestOf(options)}`, (folder) => install(options, folder));
}

function install(options: readonly string[], folder: string): void {
  const root = rootWithSources();
  try {
    const common = ['--image', '--worker', '/downloads/worker', '--downloads', '/downloads'];
    const command = ['/src/node-image/image/install.sh', ...common, ...options];
    const { status, output } = root.run(command);
    assert.equal(status, 0, output);
    rmSync(folder, { recursive: true });
    execFileSync('mv', ['-T', root.path, folder]);
  } finally {
    root.remove();
  }
  removeOld();
}

function removeOld(): void {
  for (const name of readdirSync(CACHE).filter((each) => each.startsWith(PREFIX))) {
    const path = join(CACHE, name);
    if (Date.now() - statSync(path).ctimeMs > KEPT_MS) rmSync(path, { recursive: true });
  }
}

/** Of all that install.sh is given. */
function digestOf(options: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify(options));
  hash.update(readFileSync(process.env['MEDIASOUP_WORKER_BIN'] ?? ''));
  for (const file of sourceFiles()) hash.update(file).update(readFileSync(join(PROJECT, file)));
  return hash.digest('hex').slice(0, 16);
}
