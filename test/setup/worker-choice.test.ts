import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cacheFolder, parseOsRelease } from '../../scripts/lib/host.mjs';
import { cachedWorkerPath, chooseWorker, prebuiltUrl } from '../../scripts/lib/worker-choice.mjs';

const nothing = {
  given: undefined,
  cached: { path: '/cache/worker', runs: false },
  installed: { path: '/modules/worker', runs: false },
  downloadable: undefined,
};
const cached = { ...nothing.cached, runs: true };
const installed = { ...nothing.installed, runs: true };

test('a worker that is given comes before everything else', () => {
  const choice = chooseWorker({ ...nothing, given: '/opt/worker', cached, installed });
  assert.deepEqual(choice, { from: 'given', path: '/opt/worker' });
});

test('a worker that was built here before is used without asking the network', () => {
  assert.deepEqual(chooseWorker({ ...nothing, cached }), { from: 'cached', path: '/cache/worker' });
});

test("mediasoup's own worker is used where it is installed", () => {
  const choice = chooseWorker({ ...nothing, installed });
  assert.deepEqual(choice, { from: 'installed', path: '/modules/worker' });
});

test('the network is asked only when no worker is here, and its answer decides', () => {
  assert.deepEqual(chooseWorker(nothing), { from: 'ask' });
  assert.deepEqual(chooseWorker({ ...nothing, downloadable: true }), { from: 'download' });
  assert.deepEqual(chooseWorker({ ...nothing, downloadable: false }), { from: 'build' });
});

test('an empty MEDIASOUP_WORKER_BIN counts as none', () => {
  assert.deepEqual(chooseWorker({ ...nothing, given: '' }), { from: 'ask' });
});

const target = {
  version: '3.27.1',
  repositoryUrl: 'git+https://github.com/versatica/mediasoup.git',
  platform: 'linux',
  arch: 'x64',
  kernel: '6.1.0-18-amd64',
};

test("asks for the file that mediasoup's own script would download", () => {
  const releases = 'https://github.com/versatica/mediasoup/releases/download/3.27.1';
  assert.equal(prebuiltUrl(target), `${releases}/mediasoup-worker-3.27.1-linux-x64-kernel6.tgz`);
  assert.equal(
    prebuiltUrl({ ...target, platform: 'darwin', arch: 'arm64', kernel: '23.1.0' }),
    `${releases}/mediasoup-worker-3.27.1-darwin-arm64.tgz`,
  );
  assert.equal(
    prebuiltUrl({ ...target, baseUrl: 'https://mirror.example' }),
    'https://mirror.example/3.27.1/mediasoup-worker-3.27.1-linux-x64-kernel6.tgz',
  );
});

test('keeps workers of different releases, machines and recipes apart', () => {
  const os = { id: 'debian', version: '12' };
  const key = { cache: '/c', version: '3.27.1', os, arch: 'x64', recipe: 'abc' };
  assert.equal(
    cachedWorkerPath(key),
    '/c/mediasoup-worker-3.27.1-debian12-x64-abc/mediasoup-worker',
  );
});

test('reads the release from os-release with and without quotes, and does without the file', () => {
  const text =
    'PRETTY_NAME="Debian GNU/Linux 12"\nVERSION_ID="12"\nVERSION_CODENAME=x\nID=debian\n';
  assert.deepEqual(parseOsRelease(text, 'linux'), { id: 'debian', version: '12' });
  assert.deepEqual(parseOsRelease("ID='arch'\n", 'linux'), { id: 'arch', version: '' });
  assert.deepEqual(parseOsRelease('', 'darwin'), { id: 'darwin', version: '' });
});

test('caches where the XDG base directories say, also without a HOME', () => {
  assert.equal(cacheFolder({ XDG_CACHE_HOME: '/x', HOME: '/home/a' }, '/y'), '/x/sluice');
  assert.equal(
    cacheFolder({ XDG_CACHE_HOME: 'x', HOME: '/home/a' }, '/y'),
    '/home/a/.cache/sluice',
  );
  assert.equal(cacheFolder({ HOME: '' }, '/home/account'), '/home/account/.cache/sluice');
});
