import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

/** What can be read from a PEM of certificate, chain and key. */
export interface EntryCertificate {
  /** ms since 1970. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** When another one is ordered: two thirds of its life are over then. ms since 1970. */
  readonly renewAtMs: number;
  /** SHA-1, as HAProxy shows it: hexadecimal, no colons. */
  readonly fingerprint: string;
  /** Whether clients have to take it on trust: it stands in until there is another. */
  readonly isSelfSigned: boolean;
  /** Whether it is for this name or address. */
  covers(domain: string): boolean;
}

/** @returns undefined where it is no certificate with its key. */
export function readEntryCertificate(pem: string): EntryCertificate | undefined {
  try {
    const certificate = new X509Certificate(pem);
    if (!certificate.checkPrivateKey(createPrivateKey(pem))) return undefined;
    const [fromMs, untilMs] = [certificate.validFromDate, certificate.validToDate].map(Number);
    if (fromMs === undefined || untilMs === undefined) return undefined;
    return {
      fromMs,
      untilMs,
      renewAtMs: fromMs + ((untilMs - fromMs) * 2) / 3,
      fingerprint: certificate.fingerprint.replaceAll(':', ''),
      isSelfSigned: certificate.issuer === certificate.subject,
      covers: (domain) =>
        (isIP(domain) === 0 ? certificate.checkHost(domain) : certificate.checkIP(domain)) !==
        undefined,
    };
  } catch {
    return undefined;
  }
}

/** One PEM as HAProxy takes it, also over its socket, where an empty line would end it. */
export const bundle = (chain: string, key: string): string =>
  `${`${chain}\n${key}`
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .join('\n')}\n`;
