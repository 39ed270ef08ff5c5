import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import type { BootPlanInput } from '../../node-image/lifecycle/boot/boot-plan';
import { until, within } from '../support/wait';
import { measureBoots } from './support/boot-stamps';
import { Container } from './support/container';
import { DebianRoot, type RanInRoot } from './support/debian-root';
import { addDownloads } from './support/downloads';
import type { FakeAwsFacts } from './support/fake-aws-process';
import { configureSingleNode } from './support/single-node';

const INSTALL = '/src/node-image/image/install.sh';
/** A machine from a baked image: from its first process to serving. */
const SERVING_WITHIN_MS = 20_000;

/** One after the other: each goes on with the machine as the one before has left it. */
describe('a Debian 12 onto which a node is installed', { concurrency: 1 }, () => {
  let root: DebianRoot;
  const path = (name: string): string => join(root.path, name);
  const write = (name: string, content: string): void => {
    mkdirSync(join(path(name), '..'), { recursive: true });
    writeFileSync(path(name), content);
  };
  const install = (options: readonly string[] = [], isolated = false): RanInRoot =>
    root.run(
      // Without a network it is no use to wait for one.
      [
        'env',
        `npm_config_fetch_retries=${isolated ? 0 : 2}`,
        ...[INSTALL, '--image', '--downloads', '/downloads', ...options],
      ],
      { isolated },
    );
  const current = (): string => readlinkSync(path('/opt/sluice/current'));

  before(() => {
    root = new DebianRoot();
    root.addSources();
    addDownloads(root);
  });
  after(() => root.remove());

  test('what is not what its checksum says is not taken', () => {
    const file = `/downloads/npm-${/^NPM_VERSION=(.*)$/m.exec(readFileSync(path('/src/node-image/image/versions.sh'), 'utf8'))?.[1]}.tgz`;
    const good = readFileSync(path(file));
    appendFileSync(path(file), 'x');
    const { status, output } = install();
    writeFileSync(path(file), good);
    assert.equal(status, 1, output);
    assert.match(output, /npm-.*\.tgz is not what it should be \(its SHA-512 is another\)/);
    assert.match(output, /install: not done; what was installed before is as it was/);
  });

  test('install.sh installs a node that knows its version', () => {
    const { status, output } = install(['--worker', '/downloads/worker']);
    assert.equal(status, 0, output);
    const { version } = JSON.parse(readFileSync(path('/src/package.json'), 'utf8'));
    assert.equal(root.run(['/opt/sluice/bin/sluice', '--version']).output, `${version}\n`);
    assert.equal(root.run(['ls', '/opt/sluice/.staging']).status, 2, 'nothing is left of the work');
    assert.equal(root.run(['ls', '/usr/sbin/policy-rc.d']).status, 2);
    // A root without a machine id enables whatever is not named there when it first boots.
    const preset = readFileSync(path('/etc/systemd/system-preset/60-sluice.preset'), 'utf8');
    for (const service of ['redis-server', 'coturn', 'haproxy']) {
      assert.ok(preset.includes(`disable ${service}.service\n`), preset);
    }
  });

  test('installed again, it is as it was', () => {
    const before = current();
    const { status, output } = install();
    assert.equal(status, 0, output);
    assert.match(output, /was here already/);
    assert.equal(current(), before);
  });

  test('systemd understands the units as they are installed', () => {
    const units = root.run(['sh', '-c', 'cd /usr/local/lib/systemd/system && ls -d sluice*.*e*']);
    const { status, output } = root.run([
      'systemd-analyze',
      'verify',
      ...units.output
        .trim()
        .split('\n')
        .map((name) => `/usr/local/lib/systemd/system/${name}`),
    ]);
    assert.equal(status, 0, output);
    assert.equal(output, '');
    // Of units that wait for each other systemd leaves one out, which may be another at each boot.
    const boot = root.run(['systemd-analyze', '--man=no', 'verify', 'multi-user.target']);
    assert.deepEqual(boot, { status: 0, output: '' });
  });

  test('an upgrade that cannot be finished changes nothing, and one that can be taken back', () => {
    const before = current();
    appendFileSync(path('/src/CHANGELOG.md'), '\n- Something new.\n');
    const cut = install([], true);
    assert.equal(cut.status, 1, cut.output);
    assert.equal(current(), before);
    assert.equal(install().status, 0);
    const upgraded = current();
    assert.notEqual(upgraded, before);
    assert.equal(install(['--rollback']).status, 0);
    assert.equal(current(), before);
    assert.equal(install(['--rollback']).status, 0);
    assert.equal(current(), upgraded);
  });

  test('its image waits for user data, and then is a Master Node with Redis and an entry', async (t) => {
    const facts: FakeAwsFacts = {
      parameters: {
        '/sluice/demo/master': `key_file: /run/sluice/secrets/api_key
redis: { address: "master.demo.internal:6379" }
turn: { enabled: true, tls_port: 443, external_tls: true, domain: meet.example.com }
prometheus: { port: 6789 }
sluice:
  role: master
  trusted_proxies: [127.0.0.1/32]
  cluster: { secret_file: /run/sluice/secrets/cluster }
`,
      },
      secrets: {
        api: JSON.stringify({ key: 'APIdemo', secret: 's'.repeat(40) }),
        cluster: 'c'.repeat(40),
        redis: 'r'.repeat(40),
      },
    };
    const plan: BootPlanInput = {
      cloud: 'aws',
      role: 'master',
      config: { ssm: '/sluice/demo/master' },
      secrets: { api_key: 'api', cluster: 'cluster', redis: 'redis' },
      address_record: { zone: 'Z1', name: 'master.demo.internal' },
      entry: { tls: false, port: 7443, proxy_protocol: true, health_port: 7444 },
    };
    // What stands in for AWS: by variables, as an administrator would give a proxy.
    write(
      '/etc/default/sluice',
      'AWS_ENDPOINT_URL=http://127.0.0.1:4566\nAWS_ACCESS_KEY_ID=AKIDEXAMPLE\nAWS_SECRET_ACCESS_KEY=example\n',
    );
    write('/usr/local/bin/aws', '#!/bin/sh\nexit 0\n');
    execFileSync('chmod', ['755', path('/usr/local/bin/aws')]);
    appendFileSync(path('/etc/hosts'), '127.0.0.1 localhost\n10.0.0.5 master.demo.internal\n');

    const machine = await Container.boot(root.path);
    t.after(() => machine.close());
    const commands = [
      'ip link add eth0 type veth peer name eth1',
      'ip link set eth1 up',
      'ip addr add 10.0.0.5/24 dev eth0',
      'ip link set eth0 up',
      'ip addr add 169.254.169.254/32 dev lo',
    ];
    for (const command of commands) {
      const { status, output } = machine.run(...command.split(' '));
      assert.equal(status, 0, output);
    }
    await until('the image to be up', () => machine.state('sluice.target') === 'active');
    for (const name of ['boot', 'node', 'redis', 'haproxy', 'agent']) {
      assert.equal(machine.state(`sluice-${name}.service`), 'inactive', name);
    }

    const cloud = machine.inNetwork([
      process.execPath,
      '--import',
      'tsx',
      join(__dirname, 'support/fake-aws-process.ts'),
      JSON.stringify(facts),
    ]);
    t.after(() => cloud.kill());
    await within('the stand-in for AWS', once(cloud.stdout ?? cloud, 'data'));

    // What user data does.
    write('/etc/sluice/boot.json', JSON.stringify(plan));
    assert.equal(machine.run('/opt/sluice/bin/start').status, 0);
    await until(
      'the entry to be healthy',
      () => machine.run('curl', '-sf', '-m', '2', 'http://127.0.0.1:7444/').output === 'OK',
      { timeoutMs: SERVING_WITHIN_MS, intervalMs: 200, explain: () => machine.journal() },
    );
    assert.equal(machine.state('sluice-redis.service'), 'active');
    // Until its first look HAProxy takes a server for well.
    await until(
      'the node to answer itself',
      () => machine.run('curl', '-s', '-m', '2', 'http://127.0.0.1:7880/').output.startsWith('OK'),
      { timeoutMs: SERVING_WITHIN_MS, intervalMs: 200, explain: () => machine.journal() },
    );

    // The node has told HAProxy of all Media Nodes there are: none.
    await until(
      'the node to reach HAProxy',
      () =>
        /^sluice_turn_servers\{.*state="serving".*\} 0$/m.test(
          machine.run('curl', '-s', 'http://127.0.0.1:6789/metrics').output,
        ),
      { explain: () => machine.journal() },
    );
    const socket = machine.run('stat', '-c', '%U %G %a', '/run/sluice/haproxy/admin.sock');
    assert.equal(socket.output, 'sluice-haproxy sluice-entry 660\n');

    const owners = machine.run(
      'stat',
      '-c',
      '%U %a %n',
      '/run/sluice/secrets/cluster',
      '/etc/sluice/sluice.yaml',
      '/run/sluice/redis/redis.conf',
    );
    assert.equal(
      owners.output,
      'sluice 400 /run/sluice/secrets/cluster\nroot 640 /etc/sluice/sluice.yaml\nsluice-redis 400 /run/sluice/redis/redis.conf\n',
    );
    // As whoever breaks into one service.
    for (const user of ['sluice-haproxy', 'sluice-redis', 'nobody']) {
      const asked = machine.run(
        'setpriv',
        `--reuid=${user}`,
        '--clear-groups',
        'cat',
        '/run/sluice/secrets/cluster',
      );
      assert.match(asked.output, /Permission denied/, user);
    }
    const arguments_ = machine.run('sh', '-c', 'cat /proc/[0-9]*/cmdline | tr "\\0" " "').output;
    for (const secret of ['s'.repeat(40), 'c'.repeat(40), 'r'.repeat(40)]) {
      assert.ok(!arguments_.includes(secret));
      assert.ok(!machine.journal().includes(secret));
    }
    const stop = machine.run('systemctl', 'show', '-p', 'TimeoutStopUSec', 'sluice-node.service');
    assert.match(stop.output, /TimeoutStopUSec=1h 1min$/m);

    const first = machine.run('systemctl', 'show', '-p', 'MainPID', 'sluice-node.service').output;
    assert.equal(machine.run('systemctl', 'restart', 'sluice-boot.service').status, 0);
    const second = machine.run('systemctl', 'show', '-p', 'MainPID', 'sluice-node.service').output;
    assert.equal(second, first, 'a boot that is run again restarts no node');
  });

  test('as a Single Node it serves within 20 s, with HTTPS and TURN/TLS on one port', async (t) => {
    for (const name of [
      '/etc/sluice/boot.json',
      '/etc/sluice/sluice.yaml',
      '/etc/default/sluice',
    ]) {
      rmSync(path(name), { force: true });
    }
    configureSingleNode(root);

    const begun = performance.now();
    const machine = await Container.boot(root.path);
    t.after(() => machine.close());
    await until(
      'the node to answer through its entry',
      () => machine.run('curl', '-skf', '-m', '2', 'https://127.0.0.1/').output === 'OK',
      { timeoutMs: SERVING_WITHIN_MS, intervalMs: 200, explain: () => machine.journal() },
    );
    const tookMs = performance.now() - begun;
    assert.ok(tookMs < SERVING_WITHIN_MS, `${tookMs} ms`);
    t.diagnostic(`serving ${Math.round(tookMs)} ms after the first process`);

    // The entry looks for coturn now and then: a client tries again, too.
    const answer = await until('an answer to STUN', async () => {
      const stun = machine.inNetwork([process.execPath, '-e', STUN_OVER_TLS]);
      return stun.stdout === null ? undefined : (await text(stun.stdout)) || undefined;
    });
    assert.match(String(answer), /^0101/, 'a binding success of coturn');
    assert.equal(
      machine.state('sluice-agent.service'),
      'inactive',
      'there is no cloud to speak to',
    );

    const mainPid = (): string =>
      machine.run('systemctl', 'show', '-p', 'MainPID', '--value', 'sluice-node.service').output;
    const pid = mainPid().trim();
    const status = machine.run('cat', `/proc/${pid}/status`).output;
    assert.match(status, /^NoNewPrivs:\s+1$/m);
    assert.doesNotMatch(status, /^Uid:\s+0\s/m);

    // With its children: in a container with cgroups of version 1 systemd is not told that what a
    // dead process leaves behind has ended.
    const killed = machine.run('systemctl', 'kill', '-s', 'KILL', 'sluice-node.service');
    assert.equal(killed.status, 0, killed.output);
    await until(
      'systemd to start it again',
      () =>
        mainPid().trim() !== pid &&
        machine.run('curl', '-skf', '-m', '2', 'https://127.0.0.1/').output === 'OK',
      { timeoutMs: SERVING_WITHIN_MS, intervalMs: 200, explain: () => machine.journal() },
    );
  });

  test('from its first process to serving: how long it takes is written down', async (t) => {
    const { serving } = await measureBoots(t, root.path);
    assert.ok(serving < SERVING_WITHIN_MS, `${serving} ms`);
  });
});

/** A Binding request of STUN (RFC 8489) to the port of HTTPS; prints the answer in hex. */
const STUN_OVER_TLS = `
const socket = require('node:tls').connect(
  { host: '127.0.0.1', port: 443, rejectUnauthorized: false },
  () => socket.write(Buffer.from('000100002112a442736c756963652d70726f6265', 'hex')),
);
socket.once('data', (data) => {
  console.log(data.toString('hex'));
  socket.destroy();
});
socket.once('close', () => process.exit());
setTimeout(() => process.exit(1), 3000);`;
