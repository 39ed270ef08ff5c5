import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { readEntryCertificate } from '../../node-image/certificates/entry-certificate';
import { EntryTls } from '../../node-image/certificates/entry-tls';
import { HaproxyCertificate } from '../../node-image/certificates/haproxy-certificate';
import { standInCertificate } from '../../node-image/certificates/stand-in';
import { HaproxySocket } from '../../node-image/lifecycle/haproxy-socket';
import { TestHaproxy } from '../support/haproxy';
import { KeptLog } from './entry-world';

const DOMAIN = 'meet.example.com';

describe('the certificate of a HAProxy that runs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-certificate-'));
  const file = join(folder, 'entry.pem');
  let haproxy: TestHaproxy;
  let first = '';
  before(async () => {
    first = await standInCertificate(DOMAIN);
    writeFileSync(file, first);
    haproxy = await TestHaproxy.make();
    await haproxy.start({ masters: ['127.0.0.1:9'], certificate: file });
  });
  after(async () => {
    await haproxy.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const told = (options: { file?: string; adminSocket?: string } = {}) => {
    const admin = new HaproxySocket(options.adminSocket ?? haproxy.adminSocket);
    return new HaproxyCertificate({ admin, file: options.file ?? file });
  };

  it('is the one of the file, then the one that it is given', async () => {
    assert.equal(await told().fingerprint(), readEntryCertificate(first)?.fingerprint);
    const second = await standInCertificate(DOMAIN);
    await told().set(second);
    assert.equal(await told().fingerprint(), readEntryCertificate(second)?.fingerprint);
  });

  it('stays where it is given something that is none, and can be changed after that', async () => {
    const before = await told().fingerprint();
    const key = first.slice(first.indexOf('-----BEGIN PRIVATE'));
    const other = await standInCertificate(DOMAIN);
    const mixed = other.slice(0, other.indexOf('-----BEGIN PRIVATE')) + key;
    for (const wrong of ['nonsense\n', mixed]) {
      await assert.rejects(
        told().set(wrong),
        /HAProxy does not take the certificate \(.+\): clients/,
      );
      assert.equal(await told().fingerprint(), before);
    }
    await told().set(other);
    assert.equal(await told().fingerprint(), readEntryCertificate(other)?.fingerprint);
  });

  it('is not to be told where HAProxy does not run, and that is no error', async () => {
    const gone = told({ adminSocket: join(folder, 'gone.sock') });
    assert.equal(await gone.fingerprint(), undefined);
    await gone.set(first);
  });

  it('cannot be set where HAProxy has another configuration, or does not answer', async (t) => {
    const path = join(folder, 'other.pem');
    await assert.rejects(
      told({ file: path }).fingerprint(),
      /does not use .*other\.pem .*sluice boot/,
    );
    const adminSocket = join(folder, 'silent.sock');
    const silent = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => silent.listen(adminSocket, resolve));
    t.after(() => silent.close());
    await assert.rejects(
      told({ adminSocket }).fingerprint(),
      /HAProxy (does not use|cannot be told)/,
    );
  });

  it('and the file for the next start are what clients are to have', async () => {
    const log = new KeptLog();
    const tls = new EntryTls({ file, domain: DOMAIN, haproxy: told(), log });
    const given = await standInCertificate(DOMAIN);
    assert.equal(await tls.serve(given), undefined);
    assert.equal(readFileSync(file, 'utf8'), given);
    assert.equal(await told().fingerprint(), readEntryCertificate(given)?.fingerprint);
    assert.equal(await tls.serve(given), undefined);
    assert.equal(log.lines.length, 1, 'it is told once');

    const elsewhere = new EntryTls({ file, domain: 'other.example.com', haproxy: told(), log });
    await elsewhere.serve(undefined);
    const standsIn = readEntryCertificate(readFileSync(file, 'utf8'));
    assert.equal(standsIn?.covers('other.example.com'), true);
    assert.equal(await told().fingerprint(), standsIn?.fingerprint);
  });
});
