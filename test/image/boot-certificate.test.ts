import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { readEntryCertificate } from '../../node-image/certificates/entry-certificate';
import {
  CERTIFICATE_SETTINGS_FILE,
  CERTIFICATE_STATE_FILE,
  CERTIFICATES_FOLDER,
  CERTIFICATES_RUN_FOLDER,
  certificateServiceSettings,
  ENTRY_CERTIFICATE_FILE,
  LETS_ENCRYPT_URL,
} from '../../node-image/certificates/settings';
import { standInCertificate } from '../../node-image/certificates/stand-in';
import type { BootPlanInput } from '../../node-image/lifecycle/boot/boot-plan';
import { writeSecrets } from '../../node-image/lifecycle/boot/secret-files';
import { derivedSecret } from '../../node-image/lifecycle/derived-secret';
import { BootMachine } from './support/boot-machine';

const CLUSTER_SECRET = 'c'.repeat(40);
const YAML = `
keys: { own: ${'k'.repeat(40)} }
redis: { address: "10.0.0.5:6379" }
sluice: { role: master, cluster: { secret: ${CLUSTER_SECRET} } }
`;
const wanted = {
  domain: 'meet.example.com',
  email: 'ops@example.com',
  terms_agreed: true,
} as const;

type EntryInput = NonNullable<BootPlanInput['entry']>;

async function boot(machine: BootMachine, entry: EntryInput | undefined): Promise<void> {
  machine.write('/etc/sluice/sluice.yaml', YAML);
  machine.plan({ cloud: 'none', role: 'master', ...(entry && { entry }) });
  await machine.boot();
}

test('HAProxy starts with a certificate that stands in, and knows where proofs are', async (t) => {
  const machine = new BootMachine(t);
  await boot(machine, { lets_encrypt: wanted });
  const pem = machine.read(ENTRY_CERTIFICATE_FILE);
  assert.equal(machine.mode(ENTRY_CERTIFICATE_FILE), 0o640);
  assert.equal(machine.mode(CERTIFICATES_FOLDER), 0o750);
  assert.equal(machine.mode(CERTIFICATES_RUN_FOLDER), 0o751);
  assert.equal(readEntryCertificate(pem)?.isSelfSigned, true);
  assert.equal(readEntryCertificate(pem)?.covers('meet.example.com'), true);
  assert.match(new X509Certificate(pem).subject, /no certificate yet/);
  const haproxy = machine.read('/run/sluice/haproxy/haproxy.cfg');
  assert.match(haproxy, /bind :443 ssl crt \/var\/lib\/sluice\/certificates\/entry\.pem /);
  assert.match(haproxy, /server own unix@\/run\/sluice\/certificates\/challenges\.sock$/m);
  const text = machine.read(CERTIFICATE_SETTINGS_FILE);
  const told = certificateServiceSettings.parse(JSON.parse(text));
  assert.deepEqual(told.certificate, { ...wanted, directory_url: LETS_ENCRYPT_URL, awaited: true });
  assert.equal(told.shared?.secret, derivedSecret(CLUSTER_SECRET, 'certificate'));
  assert.ok(!text.includes(CLUSTER_SECRET), 'it is told no more than it has to know');
  assert.equal(machine.mode(CERTIFICATE_SETTINGS_FILE), 0o400);
});

test('the certificate of a boot before stays, unless it is for another name', async (t) => {
  const machine = new BootMachine(t);
  await boot(machine, { lets_encrypt: wanted });
  const first = machine.read(ENTRY_CERTIFICATE_FILE);
  await boot(machine, { lets_encrypt: wanted });
  assert.equal(machine.read(ENTRY_CERTIFICATE_FILE), first);
  await boot(machine, { lets_encrypt: { ...wanted, domain: '192.0.2.7' } });
  const other = readEntryCertificate(machine.read(ENTRY_CERTIFICATE_FILE));
  assert.equal(other?.covers('192.0.2.7'), true);
  assert.equal(other?.covers('meet.example.com'), false);
});

test('where none is to be ordered any more, its service does not start', async (t) => {
  const machine = new BootMachine(t);
  await boot(machine, { lets_encrypt: wanted });
  await boot(machine, undefined);
  assert.throws(() => machine.read(CERTIFICATE_SETTINGS_FILE), { code: 'ENOENT' });
});

const REFUSED: readonly (readonly [string, object, RegExp])[] = [
  ['terms that nobody has agreed to', { domain: 'a.example.com' }, /terms_agreed: has to be true/],
  ['a domain that is none', { ...wanted, domain: 'https://a.b' }, /domain: has to be a host name/],
  ['a directory without TLS', { ...wanted, directory_url: 'http://a.b/dir' }, /directory_url/],
  ['an address that is none', { ...wanted, email: 'me' }, /email: has to be an address/],
];
for (const [what, lets_encrypt, message] of REFUSED) {
  test(`boot refuses ${what}`, async (t) => {
    const machine = new BootMachine(t);
    await assert.rejects(boot(machine, { lets_encrypt: lets_encrypt as typeof wanted }), message);
  });
}

test('boot refuses a certificate of its own beside, and one without TLS', async (t) => {
  const machine = new BootMachine(t);
  await assert.rejects(
    boot(machine, { lets_encrypt: wanted, certificate: '/etc/sluice/tls/mine.pem' }),
    /lets_encrypt and a certificate of yours as well .*: take one of them out/,
  );
  await assert.rejects(
    boot(machine, { lets_encrypt: wanted, tls: false }),
    /entry\.tls is false: take one of them out/,
  );
});

test('what is on a data volume from another machine belongs to the service again', async (t) => {
  const machine = new BootMachine(t);
  machine.write(CERTIFICATE_STATE_FILE, '{}', 0o644);
  machine.write(ENTRY_CERTIFICATE_FILE, await standInCertificate(wanted.domain), 0o600);
  const before = machine.read(ENTRY_CERTIFICATE_FILE);
  await boot(machine, { lets_encrypt: wanted });
  assert.equal(machine.read(ENTRY_CERTIFICATE_FILE), before);
  assert.equal(machine.mode(ENTRY_CERTIFICATE_FILE), 0o640);
  assert.equal(machine.mode(CERTIFICATE_STATE_FILE), 0o600);
});

test('a certificate of yours is for HAProxy, and not for the node', async (t) => {
  const machine = new BootMachine(t);
  const pem = await standInCertificate(wanted.domain);
  await writeSecrets(machine.machine, { certificate: pem, cluster: 'c'.repeat(40) });
  assert.equal(machine.mode('/run/sluice/secrets/certificate'), 0o440);
  assert.equal(machine.mode('/run/sluice/secrets/cluster'), 0o400);
});
