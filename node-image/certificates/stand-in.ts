import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import {
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { bundle } from './entry-certificate';

const YEARS_MS = 10 * 365 * 24 * 3600 * 1000;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/**
 * A certificate that the machine has signed itself, with its key: HAProxy does not start without one,
 * and nobody is to trust it.
 */
export async function standInCertificate(domain: string): Promise<string> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: `01${randomBytes(15).toString('hex')}`,
      name: 'CN=Sluice: no certificate yet',
      notBefore: new Date(Date.now() - 24 * 3600 * 1000),
      notAfter: new Date(Date.now() + YEARS_MS),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        new SubjectAlternativeNameExtension([
          { type: isIP(domain) === 0 ? 'dns' : 'ip', value: domain },
        ]),
      ],
    },
    crypto,
  );
  const key = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return bundle(certificate.toString('pem'), PemConverter.encode(key, 'PRIVATE KEY'));
}
