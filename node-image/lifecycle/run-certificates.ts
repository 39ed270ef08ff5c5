import { readFile } from 'node:fs/promises';
import type { Logger } from 'pino';
import { CertificateKeeper } from '../certificates/certificate-keeper';
import { writeCertificateStatus } from '../certificates/certificate-status';
import { type CertificateStore, FileStore } from '../certificates/certificate-store';
import { ChallengeServer } from '../certificates/challenge-server';
import { EntryTls } from '../certificates/entry-tls';
import { HaproxyCertificate } from '../certificates/haproxy-certificate';
import { Proofs } from '../certificates/proofs';
import {
  type CertificateServiceSettings,
  certificateServiceSettings,
} from '../certificates/settings';
import { SharedStore } from '../certificates/shared-store';
import { RedisRegistry } from '../cluster/redis/redis-registry';
import { configSchema } from '../contract';
import { createLog } from '../telemetry/log';
import { Closers } from './closers';
import { HaproxySocket } from './haproxy-socket';

/** Paths of what the service reads and writes. */
export interface CertificateFiles {
  /** What is wanted, as `sluice boot` has written it. */
  readonly settings: string;
  /** The account, the certificate and their keys; for this service alone. */
  readonly state: string;
  /** As haproxy.cfg names it. */
  readonly certificate: string;
  readonly status: string;
  readonly challengeSocket: string;
  readonly adminSocket: string;
}

export interface CertificatesOptions {
  readonly files: CertificateFiles;
  /** Ends it. */
  readonly signal: AbortSignal;
  readonly log?: Logger | undefined;
}

/**
 * Looks after the certificate of the entry of this machine, until it is told to stop.
 *
 * @throws Error with a sentence for people where it cannot begin.
 */
export async function runCertificates(options: CertificatesOptions): Promise<void> {
  const { files, signal } = options;
  const told = await readSettings(files.settings);
  const settings = told.certificate;
  const { logging } = configSchema.parse({ logging: told.logging });
  const log = options.log ?? createLog({ logging, fields: { component: 'certificates' } });
  const closers = new Closers(log);
  try {
    const store = await openStore({ told, files, log, closers });
    const proofs = new Proofs(store);
    const server = await ChallengeServer.listen({
      socket: files.challengeSocket,
      answer: (token) => proofs.answer(token),
    });
    closers.add(() => server.close());
    const { certificate: file, adminSocket } = files;
    const haproxy = new HaproxyCertificate({ admin: new HaproxySocket(adminSocket), file });
    const keeper = new CertificateKeeper({
      settings,
      store,
      tls: new EntryTls({ file, domain: settings.domain, haproxy, log }),
      tell: (status) => writeCertificateStatus(files.status, status),
      log,
    });
    closers.add(() => keeper.close());
    void keeper.look();
    await aborted(signal);
  } finally {
    await closers.close();
  }
}

async function readSettings(path: string): Promise<CertificateServiceSettings> {
  try {
    return certificateServiceSettings.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    throw new Error(
      `${path} is not what \`sluice boot\` writes: name the domain in entry.lets_encrypt of /etc/sluice/boot.json, and run that.`,
      { cause: error },
    );
  }
}

/** Master Nodes share it; a Single Node has it for itself. */
async function openStore(options: {
  readonly told: CertificateServiceSettings;
  readonly files: CertificateFiles;
  readonly log: Logger;
  readonly closers: Closers;
}): Promise<CertificateStore> {
  const { told, files, log, closers } = options;
  const directory = told.certificate.directory_url;
  const local = new FileStore({ file: files.state, directory });
  closers.add(() => local.close());
  if (told.shared === undefined) return local;
  const { clusterName, secret, previousSecret } = told.shared;
  const { redis } = configSchema.parse({ redis: told.shared.redis });
  const registry = await RedisRegistry.connect({ redis, clusterName, log });
  closers.add(() => registry.close());
  const shared = new SharedStore({
    registry,
    secret,
    previousSecret,
    local,
    directory,
    log,
  });
  closers.add(() => shared.close());
  return shared;
}

const aborted = (signal: AbortSignal): Promise<void> =>
  signal.aborted
    ? Promise.resolve()
    : new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
