import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DebianRoot, npmPackages } from './debian-root';

export interface DownloadsOptions {
  /** As Node names it. @default - that of this machine */
  readonly arch?: string;
  /** mediasoup's, for that architecture. @default - the one of the tests */
  readonly worker?: string;
}

/** Puts into /downloads of a root what install.sh would fetch, and mediasoup's worker. */
export function addDownloads(
  { path }: DebianRoot,
  {
    arch = process.arch,
    worker = process.env['MEDIASOUP_WORKER_BIN'] ?? '',
  }: DownloadsOptions = {},
): void {
  const versions = readFileSync(join(path, 'src/node-image/image/versions.sh'), 'utf8');
  const [, node = ''] = /^NODE_VERSION=(.*)$/m.exec(versions) ?? [];
  const [, npm = ''] = /^NPM_VERSION=(.*)$/m.exec(versions) ?? [];
  const packages = [
    [`node-linux-${arch}`, node],
    ['npm', npm],
  ] as const;
  const folder = npmPackages(packages);
  mkdirSync(join(path, 'downloads'));
  for (const [name, version] of packages) {
    const file = `${name}-${version}.tgz`;
    copyFileSync(join(folder, file), join(path, 'downloads', file));
  }
  assert.notEqual(worker, '', 'the tests are run with a worker');
  copyFileSync(worker, join(path, 'downloads/worker'));
}
