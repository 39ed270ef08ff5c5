import { awsErrorName } from '../clients';
import { type Finding, findingsOf } from './finding';

/** What AWS has answered, or why it has not. */
export type Asked<T> = { readonly answer: T } | Refusal;

export interface Refusal {
  /** Whether it is a right that is missing. */
  readonly denied: boolean;
  /** One line, for people. */
  readonly refused: string;
}

const DENIED = /AccessDenied|Unauthorized|NotAuthorized/;
const LONGEST = 200;

/** Makes a call of AWS. Never rejects: what AWS does not say is a finding too. */
export async function ask<T>(call: () => Promise<T>): Promise<Asked<T>> {
  try {
    return { answer: await call() };
  } catch (error) {
    return { denied: DENIED.test(awsErrorName(error)), refused: reasonOf(error) };
  }
}

/** The call's answer, or undefined where it fails by an error of one of these names. */
export async function unlessMissing<T>(
  names: readonly string[],
  call: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (names.includes(awsErrorName(error))) return undefined;
    throw error;
  }
}

/** @param permission - what the call takes, such as "acm:DescribeCertificate" */
export function uncheckedBy(check: string, refusal: Refusal, permission: string): Finding {
  const todo = refusal.denied
    ? `Allow ${permission} to whoever runs this, or look for yourself.`
    : 'See that this computer reaches AWS, and try again.';
  return findingsOf(check).unchecked(`AWS does not say: ${refusal.refused}`, todo);
}

/** Of an error, with its name, in one line. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Connections to several addresses fail by an error that has no text of its own.
  const inner = error instanceof AggregateError ? error.errors[0] : undefined;
  const text = error.message === '' && inner instanceof Error ? inner.message : error.message;
  const line = text.replace(/\s+/g, ' ').trim();
  const short = line.length > LONGEST ? `${line.slice(0, LONGEST)}...` : line;
  return error.name === 'Error' ? short : `${error.name}, ${short}`;
}
