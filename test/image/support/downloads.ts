import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DebianRoot, npmPackages } from './debian-root';

/** Puts into /downloads of a root what install.sh would fetch, and mediasoup's worker. */
export function addDownloads({ path }: DebianRoot): void {
  const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
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
  const worker = process.env['MEDIASOUP_WORKER_BIN'] ?? '';
  assert.notEqual(worker, '', 'the tests are run with a worker');
  copyFileSync(worker, join(path, 'downloads/worker'));
}
