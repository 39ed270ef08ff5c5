/** Characters. */
const LONGEST = 200;

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
