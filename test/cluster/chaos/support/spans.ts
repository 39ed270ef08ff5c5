import type { Span } from './observations';

/** The same times, in order, none touching another. */
export function merged(spans: readonly Span[]): Span[] {
  const result: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const last = result.at(-1);
    if (last !== undefined && span.fromMs <= last.toMs) {
      result[result.length - 1] = { ...last, toMs: Math.max(last.toMs, span.toMs) };
    } else {
      result.push(span);
    }
  }
  return result;
}

/** How long it is from one moment to another, these times left out, ms. */
export function timeOutside(spans: readonly Span[], fromMs: number, toMs: number): number {
  const inside = merged(spans).reduce(
    (sum, span) => sum + Math.max(0, Math.min(toMs, span.toMs) - Math.max(fromMs, span.fromMs)),
    0,
  );
  return Math.max(0, toMs - fromMs - inside);
}
