/** `sluice doctor` as an administrator types it, on a machine that was installed. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { BootPlanInput } from '../../node-image/lifecycle/boot/boot-plan';
import { until } from '../support/wait';
import { Container } from './support/container';
import type { DebianRoot } from './support/debian-root';
import { installedRoot } from './support/installed-root';

const ENTRY = '/etc/sluice/tls/entry.pem';
const SECRET = 'c'.repeat(40);

interface Report {
  readonly ok: boolean;
  readonly running: boolean;
  readonly findings: readonly { check: string; status: string; found: string; problem?: string }[];
}

describe('a machine that was installed', () => {
  let root: DebianRoot;
  let machine: Container;
  const path = (name: string): string => join(root.path, name);
  const write = (name: string, content: string): void => {
    mkdirSync(dirname(path(name)), { recursive: true });
    writeFileSync(path(name), content);
  };

  before(async () => {
    root = installedRoot();
    appendFileSync(path('/etc/hosts'), '127.0.0.1 localhost\n');
    makeCertificate();
    machine = await Container.boot(root.path);
    await until('the image to be up', () => machine.state('sluice.target') === 'active');
  });
  after(async () => {
    await machine.close();
    root.remove();
  });

  function makeCertificate(): void {
    const [key, certificate] = [path('/root/key.pem'), path('/root/cert.pem')];
    const options =
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1';
    execFileSync('openssl', [...options.split(' '), '-keyout', key, '-out', certificate], {
      stdio: 'ignore',
    });
    write(ENTRY, readFileSync(certificate, 'utf8') + readFileSync(key, 'utf8'));
    root.run(['chown', 'root:sluice-haproxy', ENTRY]);
    root.run(['chmod', '640', ENTRY]);
  }

  /** Makes it such a machine, and waits until its node answers through the entry. */
  async function become(plan: BootPlanInput, yaml: string): Promise<void> {
    write('/etc/sluice/sluice.yaml', yaml);
    write('/etc/sluice/boot.json', JSON.stringify(plan));
    assert.equal(machine.run('/opt/sluice/bin/start').status, 0);
    await until(
      'the node to answer through its entry',
      () => machine.run('curl', '-skf', '-m', '2', 'https://127.0.0.1/').output === 'OK',
      { timeoutMs: 60_000, intervalMs: 200, explain: () => machine.journal() },
    );
  }

  function examine(...options: readonly string[]) {
    const { status, output } = machine.run('sluice', 'doctor', '--json', ...options);
    assert.ok(!output.includes(SECRET), 'no secret is told');
    const report = JSON.parse(output) as Report;
    const found = (check: string): string | undefined =>
      report.findings.find((each) => each.check === check)?.found;
    const failed = report.findings.filter((each) => each.status === 'failed');
    return { status, report, found, failed };
  }

  test('as a Single Node it is found fit, and told where it is not', async () => {
    await become(
      { cloud: 'none', role: 'single', entry: {} },
      `keys: { APIdemo: ${'s'.repeat(40)} }
prometheus: { port: 6789 }
sluice: { trusted_proxies: [127.0.0.1/32], workers: 1 }
rtc: { node_ip: 127.0.0.1, stun_servers: ['127.0.0.1:9'] }
turn: { enabled: true, udp_port: 3478, bind_addresses: [127.0.0.1] }
`,
    );
    const fit = examine('--domain', '127.0.0.1');
    assert.deepEqual([fit.status, fit.failed], [0, []]);
    assert.equal(fit.report.running, true);
    assert.equal(fit.found('Node'), 'it runs, and is ready');
    assert.match(fit.found('Ports') ?? '', /^the node has tcp 7880, .*udp 3478/);
    assert.equal(fit.found('Entry'), 'HAProxy answers at port 443');
    assert.match(fit.found('TURN') ?? '', /^coturn at UDP port 3478 answers/);
    // As its metrics say; a container may give less than the unit asks for.
    assert.match(fit.found('Open files') ?? '', /^the node may have \d+$/);
    assert.equal(fit.found('DNS'), '127.0.0.1 is 127.0.0.1, this machine');
    for (const check of ['Certificate of the entry', 'Certificate shown']) {
      assert.match(fit.found(check) ?? '', /^it is signed by itself/, check);
    }

    machine.run('systemctl', 'stop', 'sluice-node', 'sluice-haproxy');
    const stopped = examine();
    assert.deepEqual([stopped.status, stopped.failed], [0, []]);
    assert.equal(stopped.report.running, false);
    assert.match(stopped.found('Ports') ?? '', /^free for the node: tcp 7880/);
    assert.equal(stopped.found('Entry'), 'HAProxy does not run yet; port 443 is free for it');
    assert.equal(stopped.found('Open files'), 'the unit sluice-node may have 1048576');

    write(ENTRY, 'no certificate');
    const spoiled = examine();
    assert.equal(spoiled.status, 1);
    assert.deepEqual(
      spoiled.failed.map(({ problem }) => problem),
      ['certificate-unreadable'],
    );
    makeCertificate();
  });

  test('as a Master Node with a Redis of its own it knows the password of the unit', async () => {
    for (const command of [
      'ip link add eth0 type veth peer name eth1',
      'ip link set eth1 up',
      'ip addr add 10.0.0.5/24 dev eth0',
      'ip link set eth0 up',
    ]) {
      assert.equal(machine.run(...command.split(' ')).status, 0, command);
    }
    write('/etc/sluice/cluster-secret', SECRET);
    root.run(['chown', 'sluice:sluice', '/etc/sluice/cluster-secret']);
    root.run(['chmod', '400', '/etc/sluice/cluster-secret']);
    await become(
      {
        cloud: 'none',
        role: 'master',
        redis: { server: true, password: 'derived' },
        entry: {},
      },
      `keys: { APIdemo: ${'s'.repeat(40)} }
redis: { address: '10.0.0.5:6379' }
sluice:
  role: master
  cluster: { secret_file: /etc/sluice/cluster-secret }
  trusted_proxies: [127.0.0.1/32]
  node_link: { address: 10.0.0.5 }
`,
    );
    const fit = examine();
    assert.deepEqual([fit.status, fit.failed], [0, []], machine.journal());
    assert.match(fit.found('Redis') ?? '', /^10\.0\.0\.5:6379 answers, version 7/);
    machine.run('systemctl', 'stop', 'sluice-redis');
    const without = examine();
    assert.equal(without.status, 1);
    assert.ok(without.failed.some(({ problem }) => problem === 'redis-away'));
  });
});
