import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { PORT_USES } from '../../node-image/contract';

const IMAGE = join(__dirname, '../../node-image/image');
const SYSTEMD = join(IMAGE, 'systemd');
const UNITS = readdirSync(SYSTEMD).filter((name) => name.startsWith('sluice'));
const SERVICES = UNITS.filter((name) => name.endsWith('.service'));
/** As it is asked about: a template has no name of its own. */
const named = (name: string): string => name.replace('@.', '@egress.');
/** Podman makes sandboxes of its own, and needs the rights of root for that. */
const CONTAINERS = SERVICES.filter((name) => name.includes('@'));
/** Those that take packets of strangers, or hold secrets. */
const LONG_RUNNING = SERVICES.filter(
  (name) => !/-(?:boot|notrack|order)\./.test(name) && !CONTAINERS.includes(name),
);

const unit = (name: string): string => readFileSync(join(SYSTEMD, name), 'utf8');
const values = (text: string, key: string): string[] =>
  [...text.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value ?? '');

describe('the units', () => {
  let root = '';

  before(() => {
    // A file system in which the programs that they name are there.
    root = mkdtempSync(join(tmpdir(), 'sluice-units-'));
    const folder = join(root, 'etc/systemd/system');
    mkdirSync(folder, { recursive: true });
    for (const name of UNITS) cpSync(join(SYSTEMD, name), join(folder, name));
    const targets = ['network-online', 'network-pre', 'sysinit', 'basic', 'shutdown', 'local-fs'];
    for (const name of targets)
      writeFileSync(join(folder, `${name}.target`), '[Unit]\nDescription=x\n');
    const programs = UNITS.flatMap((name) =>
      values(unit(name), 'Exec\\w+').map((line) => line.split(' ')[0] ?? ''),
    );
    for (const program of programs) {
      mkdirSync(dirname(join(root, program)), { recursive: true });
      writeFileSync(join(root, program), '#!/bin/sh\n', { mode: 0o755 });
    }
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  const analyze = (...args: string[]) =>
    spawnSync('systemd-analyze', [`--root=${root}`, ...args], { encoding: 'utf8' });

  test('systemd understands every line of them', () => {
    const { status, stderr } = analyze('verify', '--recursive-errors=no', ...UNITS.map(named));
    assert.equal(stderr, '');
    assert.equal(status, 0);
  });

  for (const name of SERVICES.filter((one) => !CONTAINERS.includes(one))) {
    test(`${name} is exposed by 4 of 10 at most`, () => {
      const { status, stdout, stderr } = analyze(
        'security',
        '--offline=yes',
        '--threshold=40',
        name,
      );
      assert.equal(status, 0, stdout + stderr);
      assert.match(stdout, /Overall exposure level/);
    });
  }
});

test('with a browser the node may make namespaces for its sandbox, and do little else', () => {
  const root = mkdtempSync(join(tmpdir(), 'sluice-units-'));
  try {
    const folder = join(root, 'etc/systemd/system');
    mkdirSync(join(folder, 'sluice-node.service.d'), { recursive: true });
    cpSync(join(SYSTEMD, 'sluice-node.service'), join(folder, 'sluice-node.service'));
    const added = join(SYSTEMD, 'with-jobs/jobs.conf');
    cpSync(added, join(folder, 'sluice-node.service.d/jobs.conf'));
    const asked = ['--offline=yes', '--threshold=30', 'sluice-node.service'];
    const { status, stdout, stderr } = spawnSync(
      'systemd-analyze',
      [`--root=${root}`, 'security', ...asked],
      { encoding: 'utf8' },
    );
    assert.equal(status, 0, stdout + stderr);
    assert.deepEqual(values(readFileSync(added, 'utf8'), 'RestrictNamespaces'), ['user pid net']);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

for (const name of LONG_RUNNING) {
  test(`${name} has a user of its own, no new privileges, and starts again`, () => {
    const text = unit(name);
    const [user = 'root'] = values(text, 'User');
    assert.match(user, /^sluice/);
    assert.match(
      readFileSync(join(IMAGE, 'sysusers/sluice.conf'), 'utf8'),
      new RegExp(`^u ${user} `, 'm'),
    );
    assert.deepEqual(values(text, 'NoNewPrivileges'), ['yes']);
    assert.deepEqual(values(text, 'ProtectSystem'), ['strict']);
    assert.deepEqual(values(text, 'Restart'), ['always']);
    assert.deepEqual(values(text, 'StartLimitIntervalSec'), ['0'], 'it never gives up');
    const [capabilities = 'all'] = values(text, 'CapabilityBoundingSet');
    assert.ok(['', 'CAP_NET_BIND_SERVICE'].includes(capabilities), capabilities);
  });
}

test('no two services share a user, but the node and its agent', () => {
  const users = LONG_RUNNING.filter((name) => !name.includes('agent')).map((name) =>
    values(unit(name), 'User').join(),
  );
  assert.equal(new Set(users).size, users.length);
});

test('a stop tells the node alone, and waits for the whole drain', () => {
  const text = unit('sluice-node.service');
  assert.deepEqual(values(text, 'KillMode'), ['mixed']);
  assert.deepEqual(values(text, 'KillSignal'), ['SIGTERM']);
  const [seconds = '0'] = values(text, 'TimeoutStopSec');
  assert.ok(Number(seconds) > 3600, 'sluice.drain.deadline is 1 h unless it is said otherwise');
});

test('what carries clients may have a million files open', () => {
  for (const name of ['node', 'haproxy']) {
    assert.deepEqual(values(unit(`sluice-${name}.service`), 'LimitNOFILE'), ['1048576'], name);
  }
});

test('every service comes after boot, and is started by the target', () => {
  const [wanted = ''] = values(unit('sluice.target'), 'Wants');
  const started = [
    ...SERVICES.filter((name) => !CONTAINERS.includes(name) && !name.includes('-order.')),
    ...['egress', 'ingress'].map((one) => `sluice-livekit@${one}.service`),
    ...UNITS.filter((name) => name.endsWith('.path')),
  ];
  assert.deepEqual(wanted.split(' ').sort(), started.sort());
  for (const name of LONG_RUNNING) {
    assert.match(values(unit(name), 'After').join(' '), /sluice-boot\.service/, name);
  }
});

test('a stop of a container waits for its jobs', () => {
  assert.deepEqual(CONTAINERS.sort(), ['sluice-agents@.service', 'sluice-livekit@.service']);
  for (const text of CONTAINERS.map(unit)) {
    assert.deepEqual(values(text, 'KillMode'), ['mixed'], 'Podman is told alone, and passes it on');
    const [seconds = '0'] = values(text, 'TimeoutStopSec');
    assert.ok(Number(seconds) > 3600, 'sluice.drain.deadline is 1 h unless it is said otherwise');
    assert.deepEqual(values(text, 'Delegate'), ['yes'], 'for the group of the container');
    assert.deepEqual(values(text, 'Restart'), ['always']);
    assert.deepEqual(values(text, 'StartLimitIntervalSec'), ['0'], 'it never gives up');
  }
});

test('no secret is in an argument of a service', () => {
  for (const name of SERVICES) {
    for (const line of values(unit(name), 'Exec\\w+')) {
      assert.doesNotMatch(line, /secret|password|--keys/i, name);
    }
  }
});

test('each value that the kernel is given has its reason before it', () => {
  const lines = readFileSync(join(IMAGE, 'sysctl/60-sluice.conf'), 'utf8').split('\n');
  const keys: string[] = [];
  let hasReason = false;
  for (const line of lines) {
    if (line === '') hasReason = false;
    if (line.startsWith('#')) hasReason = true;
    const [key] = line.split(' = ');
    if (key !== undefined && line.includes(' = ')) {
      assert.ok(hasReason, `${key} has no reason`);
      keys.push(key);
    }
  }
  assert.equal(new Set(keys).size, keys.length, 'each is there once');
  assert.ok(keys.includes('net.core.rmem_max') && keys.includes('net.core.somaxconn'));
});

test('ports that the machine opens by itself are none that a node listens on', () => {
  const text = readFileSync(join(IMAGE, 'sysctl/60-sluice.conf'), 'utf8');
  const [, first = '', last = ''] = /ip_local_port_range = (\d+) (\d+)/.exec(text) ?? [];
  for (const { what, start, end } of PORT_USES) {
    assert.ok(end < Number(first) || start > Number(last), `${what}: ${start}-${end}`);
  }
});

test('the firewall is told not to track just the UDP ports of media', () => {
  const text = readFileSync(join(IMAGE, 'nftables/sluice-notrack.nft'), 'utf8');
  const [, list = ''] = /elements = \{ (.*) \}/.exec(text) ?? [];
  const expected = PORT_USES.filter(
    ({ protocol, start }) => protocol === 'udp' && start !== 443,
  ).map(({ start, end }) => (start === end ? `${start}` : `${start}-${end}`));
  assert.deepEqual(list.split(', ').sort(), expected.sort());
  const { status, stderr } = spawnSync('unshare', ['-n', 'nft', '-c', '-f', '-'], {
    input: text,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
});

test('the node may tell HAProxy where TURN/TLS goes, and reads nothing else of it', () => {
  const [group = ''] = values(unit('sluice-haproxy.service'), 'Group');
  assert.deepEqual(values(unit('sluice-node.service'), 'SupplementaryGroups'), [group]);
  const lines = (file: string) => readFileSync(join(IMAGE, file), 'utf8');
  assert.match(lines('sysusers/sluice.conf'), new RegExp(`^g ${group} `, 'm'));
  const folder = new RegExp(`^d /run/sluice/haproxy 0710 sluice-haproxy ${group}$`, 'm');
  assert.match(lines('tmpfiles/sluice.conf'), folder);
  // Its certificate is for the group sluice-haproxy.
  assert.notEqual(group, 'sluice-haproxy');
  const others = values(unit('sluice-haproxy.service'), 'SupplementaryGroups');
  assert.deepEqual(others, ['sluice-haproxy']);
});
