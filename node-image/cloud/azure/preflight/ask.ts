import type { Asked, Refusal } from '../../../findings/asked';
import { type Finding, findingsOf } from '../../../findings/finding';
import { reasonOf } from '../../../findings/reason';
import { ArmError } from './arm-reader';

export type { Asked, Refusal } from '../../../findings/asked';

/** Makes a call of Azure. Never rejects: what Azure does not say is a finding too. */
export async function ask<T>(call: () => Promise<T>): Promise<Asked<T>> {
  try {
    return { answer: await call() };
  } catch (error) {
    const denied = error instanceof ArmError && (error.status === 401 || error.status === 403);
    return { denied, refused: reasonOf(error) };
  }
}

/** @param permission - what the call takes, such as "Microsoft.Compute/skus/read" */
export function uncheckedBy(check: string, refusal: Refusal, permission: string): Finding {
  const todo = refusal.denied
    ? `Allow ${permission} to whoever runs this (the role Reader has it), or look for yourself.`
    : 'See that this computer reaches Azure, and try again.';
  return findingsOf(check).unchecked(`Azure does not say: ${refusal.refused}`, todo);
}
