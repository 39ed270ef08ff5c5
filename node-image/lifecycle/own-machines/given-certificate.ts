import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { BootError } from '../boot/boot-error';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;
const KEY =
  /-----BEGIN (?:EC |RSA )?PRIVATE KEY-----[\s\S]+?-----END (?:EC |RSA )?PRIVATE KEY-----/;

/**
 * Puts a given certificate together as HAProxy takes it, and sees that it will do.
 *
 * @param pem - certificate and chain, and the key where it is not apart
 * @param name - that clients connect to
 * @throws BootError with one sentence that says what to do. Never shows the key.
 */
export function givenCertificate(
  { pem, keyPem, file }: { pem: string; keyPem?: string | undefined; file: string },
  name: string,
  now = Date.now(),
): string {
  const chain = pem.match(CERTIFICATE) ?? [];
  const key = KEY.exec(keyPem ?? pem)?.[0];
  const refuse = (problem: string, advice: string): BootError =>
    new BootError(`The certificate ${file} cannot be used: ${problem}; ${advice}`);
  const [first] = chain;
  if (first === undefined) throw refuse('it holds no PEM certificate', 'give one that does.');
  if (key === undefined) {
    throw refuse(
      'there is no private key with it, or one with a passphrase',
      'put the key, without a passphrase, into the same file or give it by --certificate-key.',
    );
  }
  const certificate = parsed(() => new X509Certificate(first));
  const privateKey = parsed(() => createPrivateKey(key));
  if (certificate === undefined || privateKey === undefined) {
    throw refuse('certificate or key is damaged', 'fetch it again.');
  }
  if (!certificate.checkPrivateKey(privateKey)) {
    throw refuse('the key is of another certificate', 'give the two that belong together.');
  }
  if (certificate.validToDate.getTime() <= now) {
    throw refuse(`it has expired (${certificate.validTo})`, 'give a newer one.');
  }
  if (certificate.validFromDate.getTime() > now) {
    throw refuse(
      `it is good from ${certificate.validFrom} on`,
      'set the clock of this machine (timedatectl set-ntp true), or wait.',
    );
  }
  const fits = isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name);
  if (fits === undefined) {
    throw refuse(
      `it is for ${certificate.subjectAltName ?? certificate.subject}, and clients come to ${name}`,
      'give one for that name, or the other name by --domain.',
    );
  }
  return `${[...chain, key].join('\n')}\n`;
}

function parsed<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
