import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const DAY_MS = 24 * 60 * 60_000;

export interface Issued {
  /** PEM of the certificate alone. */
  readonly leaf: string;
  /** PEM of it and those in between. */
  readonly chain: string;
  /** PEM of the private key. */
  readonly key: string;
}

export interface IssueOptions {
  /** @default meet.example.com */
  readonly name?: string;
  /** Days from now; may be in the past. @default 0 */
  readonly fromDays?: number;
  /** @default 90 */
  readonly toDays?: number;
}

/** An authority with one in between, as those have that browsers know. */
export interface Authority {
  readonly root: X509Certificate;
  issue(options?: IssueOptions): Promise<Issued>;
  /** Signed by nobody but itself. */
  selfSigned(name: string): Promise<Issued>;
  close(): Promise<void>;
}

const CONFIG = `
[ca]
default_ca = own
[own]
new_certs_dir = new
database = index
rand_serial = yes
default_md = sha256
policy = any
email_in_dn = no
unique_subject = no
[any]
commonName = supplied
[authority]
basicConstraints = critical,CA:true
`;

export async function makeAuthority(): Promise<Authority> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-authority-'));
  const openssl = (...args: readonly string[]) => run('openssl', args, { cwd: folder });
  const text = (name: string) => readFile(join(folder, name), 'utf8');
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await mkdir(join(folder, 'new'));
  await writeFile(join(folder, 'index'), '');
  await writeFile(join(folder, 'ca.cnf'), CONFIG);
  const request = (name: string, subject: string) =>
    openssl(
      ...['req', '-new', ...newKey, '-subj', `/CN=${subject}`],
      ...['-keyout', `${name}.key`, '-out', `${name}.csr`],
    );
  const sign = (by: string, name: string, days: readonly [number, number], extensions: string) =>
    openssl(
      ...['ca', '-batch', '-notext', '-config', 'ca.cnf', '-extensions', extensions],
      ...['-extfile', extensions === 'authority' ? 'ca.cnf' : `${name}.cnf`],
      ...['-cert', `${by}.pem`, '-keyfile', `${by}.key`],
      ...['-startdate', dateOf(days[0]), '-enddate', dateOf(days[1])],
      ...['-in', `${name}.csr`, '-out', `${name}.pem`],
    );
  await openssl(
    ...['req', '-x509', ...newKey, '-days', '400', '-subj', '/CN=Test root'],
    ...['-keyout', 'root.key', '-out', 'root.pem'],
  );
  await request('between', 'Test in between');
  await sign('root', 'between', [-300, 300], 'authority');
  let count = 0;
  return {
    root: new X509Certificate(await text('root.pem')),
    issue: async ({ name = 'meet.example.com', fromDays = 0, toDays = 90 } = {}) => {
      count += 1;
      const file = `leaf${count}`;
      await request(file, name);
      await writeFile(join(folder, `${file}.cnf`), `[leaf]\nsubjectAltName = DNS:${name}\n`);
      await sign('between', file, [fromDays, toDays], 'leaf');
      const leaf = await text(`${file}.pem`);
      const key = await text(`${file}.key`);
      return { leaf, key, chain: `${leaf}${await text('between.pem')}` };
    },
    selfSigned: async (name) => {
      await openssl(
        ...['req', '-x509', ...newKey, '-days', '90', '-subj', `/CN=${name}`],
        ...['-addext', `subjectAltName=DNS:${name}`, '-keyout', 'own.key', '-out', 'own.pem'],
      );
      const leaf = await text('own.pem');
      return { leaf, chain: leaf, key: await text('own.key') };
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

/** As ASN.1 writes it: YYYYMMDDHHMMSSZ. */
const dateOf = (days: number): string =>
  `${new Date(Date.now() + days * DAY_MS).toISOString().replaceAll(/[-:T]|\..*/g, '')}Z`;
