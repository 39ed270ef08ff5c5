import { readCertificateStatus } from '../certificates/certificate-status';
import { CERTIFICATE_STATUS_FILE } from '../certificates/settings';
import type { BootFile } from '../cloud/agent/boot-file';

export interface ReadyCallOptions {
  readonly boot: Pick<BootFile, 'entry'>;
  /** Makes a call through the node. @returns what it found, for the log. @throws where it does not work */
  readonly call: () => Promise<string>;
  /** How it stands with the certificate of the entry. */
  readonly certificateStatus?: string | undefined;
}

/**
 * What has to work before a machine is said to serve: a call through its node, and, where clients come
 * to its own entry with a certificate that is ordered, that certificate.
 *
 * @throws Error with the reason, most important words first: a deployment shows no more.
 */
export async function readyCall(options: ReadyCallOptions): Promise<string> {
  const { boot, call, certificateStatus = CERTIFICATE_STATUS_FILE } = options;
  const wanted = boot.entry?.lets_encrypt;
  if (wanted === undefined || !wanted.awaited) return call();
  const status = await readCertificateStatus(certificateStatus);
  if (status?.state === 'given') return call();
  throw new Error(
    status?.reason ??
      `No certificate for ${wanted.domain} yet: sluice-certificates.service has not said how it stands; see journalctl -u sluice-certificates.`,
  );
}
