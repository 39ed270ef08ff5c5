import assert from 'node:assert/strict';
import { test } from 'node:test';
import { howToInstall } from '../../scripts/lib/debian.mjs';
import { npmEnvironment } from '../../scripts/lib/npm-packages.mjs';
import { missingTools } from '../../scripts/lib/test-tools.mjs';

test('npm runs without the settings of an outer npm that would leave packages out', () => {
  const env = npmEnvironment('/srv/sluice', {
    PATH: '/srv/sluice/node_modules/.bin:/usr/bin',
    npm_config_omit: 'dev',
    NPM_CONFIG_IGNORE_SCRIPTS: 'true',
    npm_config_bin_links: 'false',
    NODE_OPTIONS: '--import tsx',
    HOME: '/home/a',
  });
  assert.equal(env.npm_config_omit, undefined);
  assert.equal(env.NPM_CONFIG_IGNORE_SCRIPTS, undefined);
  assert.equal(env.NODE_OPTIONS, undefined);
  assert.equal(env.npm_config_bin_links, 'true');
  assert.equal(env.HOME, '/home/a');
  // It must not run on the Node that it is about to replace.
  assert.equal(env.PATH, '/usr/bin');
});

test('npm keeps what it needs to reach the registry', () => {
  const kept = {
    npm_config_registry: 'https://registry.example/',
    NPM_CONFIG_HTTPS_PROXY: 'http://proxy.example:3128',
    npm_config_cafile: '/etc/ca.pem',
    npm_config_userconfig: '/home/a/.npmrc',
  };
  const env = npmEnvironment('/srv/sluice', { PATH: '/usr/bin', ...kept });
  for (const [name, value] of Object.entries(kept)) {
    assert.equal(env[name], value);
  }
});

test('names the command for somebody who is not root', () => {
  assert.equal(
    howToInstall(['coturn', 'ffmpeg'], 'the tests', true),
    'Missing for the tests: type `sudo apt-get update && sudo apt-get install -y coturn ffmpeg`, then run this again.',
  );
  assert.match(howToInstall(['coturn'], 'the tests', false), /what Debian calls coturn/);
});

test('knows the Debian package of each missing program, and takes any Chromium', () => {
  const all = missingTools(() => undefined, undefined);
  assert.deepEqual(all, [
    'coturn',
    'redis-server',
    'ffmpeg',
    'xvfb',
    'pulseaudio',
    'nftables',
    'iproute2',
    'haproxy',
    'nginx-light',
    'pebble',
    'shellcheck',
    'systemd',
    'debootstrap',
    'systemd-container',
    'podman',
    'runc',
    'skopeo',
    'umoci',
    'chromium',
  ]);
  const chrome = (name: string) => (name === 'google-chrome' ? '/opt/chrome' : undefined);
  assert.equal(missingTools(chrome, undefined).includes('chromium'), false);
  assert.equal(missingTools(() => undefined, '/opt/chromium').includes('chromium'), false);
  assert.deepEqual(
    missingTools((name) => `/usr/bin/${name}`, undefined),
    [],
  );
});
