/** The machine cannot be made ready. The message is one sentence that says what to do. */
export class BootError extends Error {
  override readonly name = 'BootError';
}

/** Why something failed, without a stack, on one line. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return reasonOf(error.errors[0]);
  }
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.replaceAll(/\s+/g, ' ').trim();
}
