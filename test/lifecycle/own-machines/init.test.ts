import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { parseBootPlan } from '../../../node-image/lifecycle/boot/boot-plan';
import { type InitOptions, init } from '../../../node-image/lifecycle/own-machines/init';
import { leave } from '../../../node-image/lifecycle/own-machines/leave';
import { selfSignedCertificate } from '../../../node-image/lifecycle/own-machines/self-signed';
import type { BootMachine } from '../../image/support/boot-machine';
import { bootSays, factsWith, installedMachine } from './support';

const SECRETS = ['/etc/sluice/secrets/cluster', '/etc/sluice/secrets/api_key'] as const;
const ALL = [
  ...SECRETS,
  '/etc/sluice/admin.env',
  '/etc/sluice/boot.json',
  '/etc/sluice/sluice.yaml',
  '/etc/sluice/cluster.json',
  '/etc/sluice/tls/entry.pem',
];

const start = (on: BootMachine, changed: Partial<InitOptions> = {}) =>
  init({
    machine: on.machine,
    facts: factsWith(),
    certificate: { kind: 'self-signed' },
    say: (line) => on.said.push(line),
    isReady: async () => true,
    makeToken: async () => 'TOKEN',
    patienceMs: 50,
    ...changed,
  });
const left = ({ root }: BootMachine): string[] =>
  ALL.filter((path) => existsSync(join(root, path)));
const refusal = async (given: Promise<unknown>): Promise<string> => {
  const error = await given.then(
    () => assert.fail('it was not refused'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Error && error.name === 'BootError', String(error));
  return error.message;
};

describe('sluice init', () => {
  test('writes all that boot needs, secrets for nobody else', async (t) => {
    const on = installedMachine(t);
    const done = await start(on, { domain: 'meet.example.com', name: 'master-1' });
    assert.deepEqual(done, {
      url: 'https://meet.example.com',
      master: 'meet.example.com',
      token: 'TOKEN',
      selfSigned: true,
    });
    assert.deepEqual(left(on), ALL);
    for (const path of SECRETS) assert.equal(on.mode(path), 0o400);
    assert.equal(on.mode('/etc/sluice/admin.env'), 0o600);
    assert.equal(on.mode('/etc/sluice/tls/entry.pem'), 0o640);
    assert.match(on.read('/etc/sluice/secrets/cluster'), /^[0-9a-f]{64}\n$/);
    const [, key, secret] =
      /^"(API\w{12})": "(\w{43})"\n$/.exec(on.read('/etc/sluice/secrets/api_key')) ?? [];
    assert.equal(
      on.read('/etc/sluice/admin.env'),
      `export SLUICE_URL='http://127.0.0.1:7880'\nexport LIVEKIT_API_KEY='${key}'\nexport LIVEKIT_API_SECRET='${secret}'\n`,
    );
    const certificate = new X509Certificate(on.read('/etc/sluice/tls/entry.pem'));
    assert.equal(certificate.subjectAltName, 'DNS:meet.example.com');
    assert.deepEqual(JSON.parse(on.read('/etc/sluice/cluster.json')).machine, 'master-1');
  });

  test('with jobs it says where recorders and encoders find the cluster, and boot opens RTMPS', async (t) => {
    const on = installedMachine(t);
    const asked: number[] = [];
    const facts = factsWith({
      portProblem: async ({ port }) => {
        asked.push(port);
        return undefined;
      },
    });
    const jobs = { rtmp: true, recordings: '/srv/recordings' };
    await start(on, { domain: 'meet.example.com', jobs, facts });
    assert.deepEqual(asked.slice(-3), [1935, 1936, 7935]);
    const { egress, ingress } = parse(on.read('/etc/sluice/sluice.yaml'));
    assert.deepEqual(egress, { local_directory: '/srv/recordings' });
    assert.deepEqual(ingress, {
      whip_base_url: 'https://meet.example.com/whip',
      rtmp_port: 1935,
      rtmp_base_url: 'rtmps://meet.example.com:1936/live',
      rtmps_port: 1936,
      bind_addresses: ['0.0.0.0', '::'],
    });
    on.write('/etc/passwd', 'sluice:x:1:1::/:/\n');
    await on.boot({ interfaces: factsWith().interfaces });
    assert.match(on.read('/run/sluice/haproxy/haproxy.cfg'), /bind :1936 ssl crt /);
  });

  test('run again with jobs, it adds what sluice.yaml does not say, and changes nothing of the rest', async (t) => {
    const on = installedMachine(t);
    await start(on, { domain: 'meet.example.com' });
    const before = on.read('/etc/sluice/sluice.yaml');
    on.write(
      '/etc/sluice/sluice.yaml',
      `${before}ingress:\n  whip_base_url: https://other.example.com/whip\n`,
    );
    const jobs = { rtmp: false, recordings: '/srv/recordings' };
    await start(on, { domain: 'meet.example.com', jobs });
    const after = on.read('/etc/sluice/sluice.yaml');
    assert.ok(after.startsWith(before), after);
    assert.equal(parse(after).ingress.whip_base_url, 'https://other.example.com/whip');
    assert.equal(parse(after).egress.local_directory, '/srv/recordings');
    assert.match(on.said.join('\n'), /systemctl restart sluice-boot sluice-node/);
  });

  test('writes what `sluice boot` makes Redis and an entry of', async (t) => {
    const on = installedMachine(t);
    await start(on);
    on.write('/etc/passwd', 'sluice:x:1:1::/:/\n');
    await on.boot({ interfaces: factsWith().interfaces });
    assert.match(on.read('/run/sluice/redis/redis.conf'), /^bind 127\.0\.0\.1 -::1 -10\.0\.0\.7$/m);
    assert.match(on.read('/run/sluice/redis/redis.conf'), /^requirepass "[0-9a-f]{64}"$/m);
    assert.match(on.read('/run/sluice/haproxy/haproxy.cfg'), /crt \/etc\/sluice\/tls\/entry\.pem/);
  });

  test('run again keeps secrets, certificate and what was written into sluice.yaml', async (t) => {
    const on = installedMachine(t);
    await start(on);
    on.write('/etc/sluice/sluice.yaml', `${on.read('/etc/sluice/sluice.yaml')}region: here\n`);
    const before = ALL.map((path) => on.read(path));
    await start(on, { facts: factsWith({ hostName: 'renamed' }) });
    assert.deepEqual(
      ALL.map((path) => on.read(path)),
      before,
    );
    await start(on, { domain: 'meet.example.com' });
    const certificate = new X509Certificate(on.read('/etc/sluice/tls/entry.pem'));
    assert.equal(certificate.subjectAltName, 'DNS:meet.example.com');
    assert.equal(on.read(SECRETS[0]), before[0]);
    on.answer = (command) => {
      if (command.endsWith('/start')) bootSays(on, { state: 'done' });
      return { code: /reload-or-restart|is-active/.test(command) ? 1 : 0 };
    };
    assert.match(await refusal(start(on)), /^HAProxy goes on with the certificate that it had/);
    assert.deepEqual(left(on), ALL);
  });

  test("hands a domain over to who orders Let's Encrypt's certificates", async (t) => {
    const on = installedMachine(t);
    const certificate = { kind: 'lets-encrypt', email: 'ops@example.com' } as const;
    await start(on, { domain: 'meet.example.com', certificate });
    const { entry } = parseBootPlan(on.read('/etc/sluice/boot.json'));
    assert.equal(entry?.lets_encrypt?.domain, 'meet.example.com');
    assert.equal(entry?.lets_encrypt?.email, 'ops@example.com');
    assert.ok(!left(on).includes('/etc/sluice/tls/entry.pem'));
  });

  const WRONG: Readonly<Record<string, [(on: BootMachine) => Partial<InitOptions>, RegExp]>> = {
    'somebody else than root': [() => ({ facts: factsWith({ uid: 1000 }) }), /^This needs root/],
    'a machine without Sluice': [
      (on) => {
        rmSync(join(on.root, 'opt'), { recursive: true });
        return {};
      },
      /^Sluice is not installed on this machine: run .*install\.sh/,
    ],
    'a machine without systemd': [
      (on) => {
        rmSync(join(on.root, 'run/systemd'), { recursive: true });
        return {};
      },
      /^systemd does not run on this machine/,
    ],
    'a full disk': [
      () => ({ facts: factsWith({ freeMb: async () => 12 }) }),
      /^There are 12 MB free for \/etc, and 300 are needed/,
    ],
    'a port that is taken': [
      (on) => {
        const answer = on.answer;
        on.answer = (command) =>
          command.startsWith('ss ') ? { stdout: 'users:(("nginx",pid=1,fd=3))' } : answer(command);
        const portProblem = async ({ port }: { port: number }) =>
          port === 443 ? 'it is taken' : undefined;
        return { facts: factsWith({ portProblem }) };
      },
      /^Port 443\/tcp \(the entry of clients\) cannot be listened on: it is taken \(nginx has it\); stop/,
    ],
    'no private address': [
      () => ({ facts: factsWith({ interfaces: {} }) }),
      /^This machine has no private address/,
    ],
    'an address of another machine': [
      () => ({ address: '10.0.0.99' }),
      /^This machine has no address 10\.0\.0\.99: give one of 10\.0\.0\.7 by --address/,
    ],
    'a domain that is none': [() => ({ domain: 'no domain' }), /^"no domain" is no name/],
    'a name that is none': [() => ({ name: '-rf' }), /^"-rf" is no name for a machine/],
    'a cluster whose name is none': [() => ({ cluster: 'a b' }), /^"a b" is no name for a cluster/],
    'a machine that somebody has set up': [
      (on) => {
        on.write('/etc/sluice/sluice.yaml', 'keys: {}\n');
        return {};
      },
      /has a \/etc\/sluice\/sluice\.yaml already, which neither sluice init nor sluice join/,
    ],
    'what boot refuses': [
      (on) => {
        on.answer = (command) => {
          if (command.endsWith('/start')) bootSays(on, { state: 'failed', reason: 'No, because.' });
          return command.startsWith('systemctl is-active') ? { code: 3 } : undefined;
        };
        return {};
      },
      /^No, because\.$/,
    ],
    'a node that does not serve': [
      (on) => {
        const answer = on.answer;
        on.answer = (command) =>
          command.startsWith('journalctl')
            ? { stdout: 'Started x\nit is broken\n' }
            : answer(command);
        return { isReady: async () => false };
      },
      /^The node does not serve 0 s after it was started: it said "it is broken"\./,
    ],
  };
  for (const [what, [prepare, sentence]] of Object.entries(WRONG)) {
    test(`refuses ${what}, in one sentence, and leaves nothing`, async (t) => {
      const on = installedMachine(t);
      const options = prepare(on);
      const before = left(on);
      const message = await refusal(start(on, options));
      assert.match(message, sentence);
      assert.ok(!message.includes('\n'), message);
      assert.deepEqual(left(on), before);
    });
  }

  test('refuses a machine of another cluster, until it has left that', async (t) => {
    const on = installedMachine(t);
    await start(on);
    const before = on.read(SECRETS[0]);
    assert.match(
      await refusal(start(on, { cluster: 'other' })),
      /Master Node of the cluster sluice already: run `sluice leave`/,
    );
    assert.equal(on.read(SECRETS[0]), before);
    const options = { machine: on.machine, facts: factsWith(), say: () => {} };
    assert.match(await refusal(leave({ ...options, force: false })), /its cluster ends with it/);
    await leave({ ...options, force: true });
    assert.deepEqual(left(on), []);
    assert.match(await refusal(leave({ ...options, force: true })), /there is nothing to leave/);
    await start(on, { cluster: 'other' });
    assert.notEqual(on.read(SECRETS[0]), before);
    await start(on);
    assert.equal(JSON.parse(on.read('/etc/sluice/cluster.json')).cluster, 'other');
  });
});

describe('a given certificate', () => {
  const given = (pem: string, keyPem?: string) =>
    ({ kind: 'given', file: 'meet.pem', pem, keyPem }) as const;
  const KEY = /-----BEGIN PRIVATE KEY-----[\s\S]*/;

  test('is taken with its key, from one file or two', async (t) => {
    const on = installedMachine(t);
    const pem = await selfSignedCertificate(['meet.example.com']);
    const [key = ''] = KEY.exec(pem) ?? [];
    for (const certificate of [given(pem), given(pem.replace(KEY, ''), key)]) {
      await start(on, { domain: 'meet.example.com', certificate });
      assert.equal(on.read('/etc/sluice/tls/entry.pem'), pem);
    }
  });

  test('that will not do is refused before anything is written, and never shown', async (t) => {
    const on = installedMachine(t);
    const pem = await selfSignedCertificate(['meet.example.com', '10.0.0.9']);
    const [key = ''] = KEY.exec(pem) ?? [];
    const [otherKey = ''] = KEY.exec(await selfSignedCertificate(['x.example.com'])) ?? [];
    const domain = 'meet.example.com';
    const wrong: [Partial<InitOptions>, RegExp][] = [
      [{ domain, certificate: given('hello') }, /it holds no PEM certificate/],
      [{ domain, certificate: given(pem.replace(KEY, '')) }, /there is no private key with it/],
      [{ domain, certificate: given(pem.replace(key, otherKey)) }, /key is of another certificate/],
      [{ domain, certificate: given(pem.replace('\nMI', '\nAA')) }, /is damaged/],
      [{ domain: 'a.example.com', certificate: given(pem) }, /clients come to a\.example\.com/],
      [{ domain: '10.0.0.8', certificate: given(pem) }, /IP Address:10\.0\.0\.9, and clients/],
    ];
    for (const [options, sentence] of wrong) {
      const message = await refusal(start(on, options));
      assert.match(message, sentence);
      assert.ok(!message.includes('PRIVATE') && !message.includes('\n'), message);
    }
    assert.deepEqual(left(on), []);
  });
});
