import { z } from 'zod';
import { readEntryCertificate } from './entry-certificate';

const schema = z.object({
  format: z.literal(1),
  /** Of the authority that account and certificate are from. */
  directory: z.string(),
  /** PEM. */
  accountKey: z.string().optional(),
  /** PEM: certificate, chain, key. */
  certificate: z.string().optional(),
  /** What the authority is to find on port 80, by token. */
  challenges: z.record(z.string(), z.string()),
  /** When orders failed, ms since 1970. */
  failures: z.array(z.number()).max(1000),
  /** The authority takes no order before, ms since 1970. */
  notBeforeMs: z.number().optional(),
  /** Why the last order failed, for people. */
  problem: z.string().optional(),
});

/** What the machines of one entry know of their certificate together. */
export type CertificateState = z.output<typeof schema>;

export const emptyState = (directory: string): CertificateState => ({
  format: 1,
  directory,
  challenges: {},
  failures: [],
});

/** @throws Error where it is not what was written. */
export const parseState = (text: string): CertificateState => schema.parse(JSON.parse(text));

/**
 * Puts together what two places know: of two certificates the one that is valid for longer, of the
 * rest what the first one says.
 */
export function mergeStates(one: CertificateState, other: CertificateState): CertificateState {
  if (one.directory !== other.directory) return one;
  const certificate = longest(one.certificate, other.certificate);
  const accountKey = one.accountKey ?? other.accountKey;
  return {
    ...one,
    ...(certificate !== undefined && { certificate }),
    ...(accountKey !== undefined && { accountKey }),
  };
}

function longest(one: string | undefined, other: string | undefined): string | undefined {
  const until = (pem: string | undefined): number =>
    pem === undefined ? 0 : (readEntryCertificate(pem)?.untilMs ?? 0);
  return until(other) > until(one) ? other : one;
}

export const isSameState = (one: CertificateState, other: CertificateState): boolean =>
  JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));

const sorted = (state: CertificateState): unknown =>
  Object.entries(state).sort(([one], [other]) => (one < other ? -1 : 1));
