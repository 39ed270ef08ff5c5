import { randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** The longest that Apple's systems trust a certificate that somebody has added, days. */
const LIFE_DAYS = 825;
const DAY_MS = 24 * 3_600_000;
/** Node and browsers have types of their own for the same things. */
type Params = Parameters<typeof X509CertificateGenerator.createSelfSigned>;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/**
 * A certificate that nobody trusts until they are told to, with its key: PEM, as HAProxy takes it.
 *
 * @param names - host names and addresses; the first is its subject
 */
export async function selfSignedCertificate(names: readonly string[]): Promise<string> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: `01${randomBytes(15).toString('hex')}`,
      name: [{ CN: [names[0] ?? 'sluice'] }],
      // Whose clock is a little behind is to take it too.
      notBefore: new Date(Date.now() - DAY_MS),
      notAfter: new Date(Date.now() + LIFE_DAYS * DAY_MS),
      signingAlgorithm: ALGORITHM,
      keys: keys as Params[0]['keys'],
      extensions: [
        new SubjectAlternativeNameExtension(
          names.map((value) => ({
            type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const),
            value,
          })),
        ),
      ],
    },
    webcrypto as Params[1],
  );
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return `${certificate.toString('pem').trim()}\n${PemConverter.encode(key, 'PRIVATE KEY').trim()}\n`;
}
