import type { Asked, Refusal } from '../../../findings/asked';
import { type Finding, findingsOf } from '../../../findings/finding';
import { reasonOf } from '../../../findings/reason';
import { awsErrorName } from '../clients';

export type { Asked, Refusal } from '../../../findings/asked';

const DENIED = /AccessDenied|Unauthorized|NotAuthorized/;

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
