import { z } from 'zod';
import { readIfThere, writeWhole } from './certificate-store';

const schema = z.discriminatedUnion('state', [
  /** Clients get a certificate of the authority. */
  z.object({ state: z.literal('given'), untilMs: z.number() }),
  z.object({ state: z.literal('none'), reason: z.string() }),
]);

/** How it stands with the certificate of an entry. */
export type CertificateStatus = z.output<typeof schema>;

const STATUS_MODE = 0o644;

/** @returns undefined where nobody has said yet, or what is there cannot be used. */
export async function readCertificateStatus(path: string): Promise<CertificateStatus | undefined> {
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

export const writeCertificateStatus = (path: string, status: CertificateStatus): Promise<void> =>
  writeWhole(path, `${JSON.stringify(status)}\n`, STATUS_MODE);
