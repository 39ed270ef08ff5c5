import type { Logger } from 'pino';
import { readIfThere, writeWhole } from './certificate-store';
import { readEntryCertificate } from './entry-certificate';
import { type HaproxyCertificate, HaproxyError } from './haproxy-certificate';
import { standInCertificate } from './stand-in';

/** Owner and group, which is that of HAProxy: there is a private key in it. */
export const ENTRY_CERTIFICATE_MODE = 0o640;

export interface EntryTlsOptions {
  /** What HAProxy reads when it starts. */
  readonly file: string;
  readonly domain: string;
  readonly haproxy: Pick<HaproxyCertificate, 'fingerprint' | 'set'>;
  readonly log: Pick<Logger, 'info'>;
}

/** What clients of this machine get: the file for the next start of HAProxy, and the one that runs. */
export class EntryTls {
  readonly #options: EntryTlsOptions;

  constructor(options: EntryTlsOptions) {
    this.#options = options;
  }

  /**
   * Lets clients have this certificate, or one that stands in for it.
   *
   * @returns what HAProxy says against it, for people; undefined: they have it, or will with its start.
   * @throws Error where the file cannot be written.
   */
  async serve(certificate: string | undefined): Promise<string | undefined> {
    const { file, domain, haproxy, log } = this.#options;
    const there = await readIfThere(file);
    const wanted = certificate ?? (isFor(there, domain) ? there : await standInCertificate(domain));
    if (wanted !== there) await writeWhole(file, wanted ?? '', ENTRY_CERTIFICATE_MODE);
    try {
      const served = await haproxy.fingerprint();
      const { fingerprint } = readEntryCertificate(wanted ?? '') ?? {};
      if (served !== undefined && fingerprint !== undefined && served !== fingerprint) {
        await haproxy.set(wanted ?? '');
        log.info({ fingerprint }, 'clients get another certificate from now on');
      }
      return undefined;
    } catch (error) {
      if (error instanceof HaproxyError) return error.message;
      throw error;
    }
  }
}

const isFor = (pem: string | undefined, domain: string): boolean =>
  pem !== undefined && readEntryCertificate(pem)?.covers(domain) === true;
