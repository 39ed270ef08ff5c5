/**
 * The recipe of the image for arm64: everything it installs, and a call through the node that comes
 * out of it. On x86 the programs run in an emulator, in which systemd does not run as the first
 * process: what is started is what the units say, without their sandboxes.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Call, untilFlowing } from '../cluster/support/calls';
import { allBlocks } from '../docs/support/pages';
import { RustClients } from '../support/call-client-rust';
import { joinToken } from '../support/tokens';
import { until } from '../support/wait';
import { arm64Worker, elfMachine, emulateArm64 } from './support/arm64';
import { DebianRoot, debianBase, type RanInRoot } from './support/debian-root';
import { addDownloads } from './support/downloads';
import { configureSingleNode, SIGNER } from './support/single-node';
import { UnitMachine } from './support/unit-machine';

const ARM64 = 183;
const ADDRESS = '10.0.0.5';
const REDIS_PASSWORD = 'r'.repeat(40);
/** A program that an emulator translates takes several times as long to begin. */
const SLOW = { timeoutMs: 120_000, intervalMs: 500 };
/** How docs/own-machines.md has the worker built on another machine. */
const [BUILD_WORKER = ''] = allBlocks()
  .filter(({ notRun }) => /arm64\.long/.test(notRun ?? ''))
  .flatMap(({ text }) => text.trim().split('\n'));
/** The call with which a machine of a cloud finds out whether it serves, as it is installed there. */
const READY_CALL = `
const folder = '/opt/sluice/current/node-image/lifecycle/';
const { readFileSync, statSync } = require('node:fs');
const { readNodeConfig } = require(folder + 'boot/node-config.js');
const { callThroughNode } = require(folder + 'agent-call.js');
const files = { read: (name) => readFileSync(name, 'utf8'), mode: (name) => statSync(name).mode & 0o777 };
const origin = '/etc/sluice/sluice.yaml';
const config = readNodeConfig({ yaml: files.read(origin), origin, env: {}, files });
callThroughNode({ config, machineId: 'arm64' }).then(console.log);
`;

describe('a Debian 12 for arm64 onto which a node is installed', { concurrency: 1 }, () => {
  let certificate = '';
  let root: DebianRoot;
  let machine: UnitMachine | undefined;
  let clients: RustClients | undefined;
  let stopEmulating = (): void => undefined;
  const path = (name: string): string => join(root.path, name);
  const install = (): RanInRoot =>
    root.run([
      '/src/node-image/image/install.sh',
      ...['--image', '--downloads', '/downloads', '--worker', '/downloads/worker'],
    ]);
  const said = (): string => machine?.log ?? '';

  before(async () => {
    stopEmulating = await emulateArm64();
    const worker = arm64Worker(BUILD_WORKER);
    // What is awaited below may fail before it is.
    worker.catch(() => undefined);
    root = new DebianRoot(debianBase('arm64'));
    root.addSources();
    addDownloads(root, { arch: 'arm64', worker: await worker });
  });
  after(async () => {
    await clients?.close();
    await machine?.close();
    root?.remove();
    stopEmulating();
  });

  test('install.sh installs it as on any other machine, for arm64', () => {
    assert.equal(root.run(['dpkg', '--print-architecture']).output, 'arm64\n');
    const { status, output } = install();
    assert.equal(status, 0, output);
    for (const program of [
      '/opt/sluice/current/runtime/bin/node',
      '/opt/sluice/current/worker/mediasoup-worker',
      '/usr/bin/turnserver',
      '/usr/bin/redis-server',
      '/usr/sbin/haproxy',
    ]) {
      assert.equal(elfMachine(path(program)), ARM64, program);
    }
    const { version } = JSON.parse(readFileSync(path('/src/package.json'), 'utf8'));
    assert.equal(root.run(['/opt/sluice/bin/sluice', '--version']).output, `${version}\n`);
  });

  test('installed again, it is as it was', () => {
    const current = readlinkSync(path('/opt/sluice/current'));
    const { status, output } = install();
    assert.equal(status, 0, output);
    assert.match(output, /was here already/);
    assert.equal(readlinkSync(path('/opt/sluice/current')), current);
  });

  test('the node, its entry and Redis start as their units say, and are healthy', async () => {
    certificate = configureSingleNode(root, { address: ADDRESS, redisPassword: REDIS_PASSWORD });
    machine = await UnitMachine.start(root.path, `${ADDRESS}/24`);
    const folders = machine.run('systemd-tmpfiles', '--create', 'sluice.conf');
    assert.equal(folders.status, 0, folders.output);
    const boot = machine.oneshot('boot');
    assert.equal(boot.status, 0, boot.output);
    for (const name of ['redis', 'haproxy', 'node']) machine.startService(name);

    await until('the node to answer through its entry', () => healthThroughEntry(), {
      ...SLOW,
      explain: said,
    });
    for (const name of ['redis', 'haproxy', 'node']) assert.ok(machine.isRunning(name), said());
    const redis = `REDISCLI_AUTH=${REDIS_PASSWORD} redis-cli -h ${ADDRESS} ping`;
    assert.equal(machine.run('sh', '-c', redis).output, 'PONG\n', said());
    const processes = machine.run('sh', '-c', 'cat /proc/[0-9]*/status').output;
    assert.match(processes, /^NoNewPrivs:\s+1$/m);
  });

  const healthThroughEntry = (): boolean => {
    const [program = '', ...args] = [...(machine?.nearby ?? []), 'curl', '-skf', '-m', '4'];
    try {
      const url = 'https://127.0.0.1/';
      return execFileSync(program, [...args, url], { encoding: 'utf8' }) === 'OK';
    } catch {
      return false;
    }
  };

  test('the call with which a machine finds out whether it serves works', () => {
    const node = '/opt/sluice/current/runtime/bin/node';
    const { status, output } = machine?.run(node, '-e', READY_CALL) ?? {};
    assert.equal(status, 0, `${output}\n${said()}`);
    assert.match(output ?? '', new RegExp(`^media by (udp|tcp) at ${ADDRESS}:\\d+$`, 'm'));
  });

  test('two who call each other through its entry see and hear each other', async () => {
    clients = await RustClients.start({ SSL_CERT_FILE: certificate }, machine?.nearby ?? []);
    const members = [];
    for (const identity of ['ada', 'bob']) {
      const token = await joinToken(SIGNER, 'demo', identity);
      members.push(await clients.join(identity, 'wss://localhost', token));
    }
    const call: Call = { room: 'demo', members };
    await untilFlowing(call, 0, SLOW.timeoutMs);
  });
});
