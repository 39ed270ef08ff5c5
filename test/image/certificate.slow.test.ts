import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { BootPlanInput } from '../../node-image/lifecycle/boot/boot-plan';
import { Pebble } from '../support/pebble';
import { until } from '../support/wait';
import { Container } from './support/container';
import type { DebianRoot } from './support/debian-root';
import { installedRoot } from './support/installed-root';

const DOMAIN = 'meet.example.com';
const STATE = '/var/lib/sluice/certificates/state.json';
const ENTRY = '/var/lib/sluice/certificates/entry.pem';

/** One after the other: the second finds what the first has left. */
describe('a machine whose certificate is ordered', { concurrency: 1 }, () => {
  let root: DebianRoot;
  let given = '';
  const write = (name: string, content: string): void => {
    mkdirSync(dirname(join(root.path, name)), { recursive: true });
    writeFileSync(join(root.path, name), content);
  };

  before(() => {
    root = installedRoot();
  });
  after(() => root.remove());

  const fingerprint = (machine: Container): string => {
    const pem = machine.run(
      'sh',
      '-c',
      `openssl s_client -connect 127.0.0.1:443 -servername ${DOMAIN} </dev/null 2>/dev/null | openssl x509`,
    ).output;
    return pem.includes('BEGIN') ? new X509Certificate(pem).fingerprint : '';
  };
  const journal = (machine: Container): string =>
    machine.run('journalctl', '-b', '-u', 'sluice-certificates', '-o', 'cat', '--no-pager').output;

  test('serves with one that stands in, then with that of the authority, by units alone', async (t) => {
    const plan: BootPlanInput = { cloud: 'none', role: 'single' };
    write('/etc/sluice/boot.json', JSON.stringify(plan));
    write('/etc/sluice/sluice.yaml', NODE_YAML);
    appendFileSync(join(root.path, '/etc/hosts'), `127.0.0.1 localhost ${DOMAIN}\n`);
    const machine = await Container.boot(root.path);
    t.after(() => machine.close());
    const pebble = await Pebble.start({
      httpPort: 80,
      run: (command) => machine.inNetwork(command),
    });
    t.after(() => pebble.close());

    write('/etc/sluice/pebble.pem', pebble.ca);
    write('/etc/default/sluice', 'NODE_EXTRA_CA_CERTS=/etc/sluice/pebble.pem\n');
    const lets_encrypt = {
      domain: DOMAIN,
      terms_agreed: true,
      directory_url: pebble.directoryUrl,
    } as const;
    write('/etc/sluice/boot.json', JSON.stringify({ ...plan, entry: { lets_encrypt } }));
    assert.equal(machine.run('systemctl', 'restart', 'sluice-boot').status, 0, machine.journal());

    const rootPem = machine.run('curl', '-sk', `${pebble.managementUrl}/roots/0`).output;
    write('/etc/sluice/pebble-root.pem', rootPem);
    const trusted = ['curl', '-sf', '-m', '2', '--cacert', '/etc/sluice/pebble-root.pem'];
    await until(
      'clients that trust the authority to come in',
      () => machine.run(...trusted, `https://${DOMAIN}/`).output === 'OK',
      { timeoutMs: 60_000, intervalMs: 200, explain: () => machine.journal() + pebble.log },
    );
    assert.match(journal(machine), /clients get another certificate from now on/);
    assert.equal(
      machine.run('systemctl', 'show', '-p', 'NRestarts', '--value', 'sluice-haproxy').output,
      '0\n',
    );
    given = fingerprint(machine);

    const owners = machine.run(
      'stat',
      '-c',
      '%U %G %a',
      STATE,
      ENTRY,
      '/run/sluice/certificates/settings.json',
    );
    assert.equal(
      owners.output,
      'sluice-certificates sluice-haproxy 600\nsluice-certificates sluice-haproxy 640\nsluice-certificates root 400\n',
    );
    // As whoever breaks into the node, or into another service.
    for (const user of ['sluice', 'sluice-redis', 'nobody']) {
      const options = [
        `--reuid=${user}`,
        '--init-groups',
        ...(user === 'nobody' ? [] : [`--regid=${user}`]),
      ];
      const asked = machine.run('setpriv', ...options, 'cat', ENTRY);
      assert.match(asked.output, /Permission denied/, user);
    }
    assert.match(machine.run('cat', '/run/sluice/certificates/status.json').output, /"given"/);
  });

  test('has it again after it was off, without the authority', async (t) => {
    const machine = await Container.boot(root.path);
    t.after(() => machine.close());
    await until('the entry', () => fingerprint(machine) !== '', {
      timeoutMs: 30_000,
      explain: () => machine.journal(),
    });
    assert.equal(fingerprint(machine), given);
    await until(
      'it to say so',
      () => /"given"/.test(machine.run('cat', '/run/sluice/certificates/status.json').output),
      { timeoutMs: 30_000, explain: () => journal(machine) },
    );
    assert.doesNotMatch(journal(machine), /ordering a certificate/);
  });
});

const NODE_YAML = `keys: { APIdemo: ${'s'.repeat(40)} }
sluice: { trusted_proxies: [127.0.0.1/32], workers: 1 }
rtc: { node_ip: 127.0.0.1 }
`;
