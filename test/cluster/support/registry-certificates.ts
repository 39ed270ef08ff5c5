import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface TestCertificates {
  readonly caFile: string;
  /** For localhost and 127.0.0.1. */
  readonly server: PemPair;
  /** For redis.example.com only. */
  readonly named: PemPair;
  readonly client: PemPair;
  close(): Promise<void>;
}

export interface PemPair {
  readonly certFile: string;
  readonly keyFile: string;
}

/** An authority of its own, and what it has signed. */
export async function makeCertificates(): Promise<TestCertificates> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-certificates-'));
  const openssl = (...args: string[]) => run('openssl', args, { cwd: folder });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const authority = ['-x509', '-days', '2', '-subj', '/CN=Test authority'];
  await openssl('req', ...authority, ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem');

  const pair = async (name: string, alternatives: string): Promise<PemPair> => {
    await writeFile(join(folder, `${name}.ext`), `subjectAltName=${alternatives}\n`);
    const files = ['-keyout', `${name}.key`, '-out', `${name}.csr`];
    await openssl('req', '-new', '-subj', `/CN=${name}`, ...newKey, ...files);
    const sign = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'];
    const signed = ['-in', `${name}.csr`, '-out', `${name}.pem`, '-extfile', `${name}.ext`];
    await openssl('x509', '-req', ...sign, ...signed);
    return { certFile: join(folder, `${name}.pem`), keyFile: join(folder, `${name}.key`) };
  };
  return {
    caFile: join(folder, 'ca.pem'),
    server: await pair('server', 'DNS:localhost,IP:127.0.0.1'),
    named: await pair('named', 'DNS:redis.example.com'),
    client: await pair('client', 'DNS:client.example.com'),
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
