/** Source of all of them: CloudWatch Logs API Reference, PutLogEvents. */
export const LOG_LIMITS = {
  /** Of one request. */
  events: 10_000,
  /** Of one request, with `overhead` for each event. */
  bytes: 1_048_576,
  overhead: 26,
  /** From the first event of a request to its last, ms. */
  spanMs: 24 * 3_600_000,
  /** Of one event, with its overhead. It was so for years, and is 1 MiB by now; a line has less. */
  eventBytes: 262_144,
} as const;

/** An event as PutLogEvents takes it. */
export interface LogEvent {
  /** ms since 1970. */
  readonly timestamp: number;
  readonly message: string;
}

const CUT = ' [cut]';

/** Puts lines in the order of time, and into requests that AWS takes. Empty ones are no events. Pure. */
export function logRequests(lines: readonly LogEvent[]): LogEvent[][] {
  const sorted = lines
    .filter(({ message }) => message !== '')
    .toSorted((one, other) => one.timestamp - other.timestamp);
  const requests: LogEvent[][] = [];
  let request: LogEvent[] = [];
  let bytes = 0;
  for (const { timestamp, message: whole } of sorted) {
    const message = cut(whole);
    const size = Buffer.byteLength(message) + LOG_LIMITS.overhead;
    const startMs = request[0]?.timestamp ?? timestamp;
    if (
      request.length === 0 ||
      request.length >= LOG_LIMITS.events ||
      bytes + size > LOG_LIMITS.bytes ||
      timestamp - startMs >= LOG_LIMITS.spanMs
    ) {
      request = [];
      requests.push(request);
      bytes = 0;
    }
    request.push({ timestamp, message });
    bytes += size;
  }
  return requests;
}

function cut(message: string): string {
  const most = LOG_LIMITS.eventBytes - LOG_LIMITS.overhead;
  // No character has more than three bytes for each unit that JavaScript counts.
  if (message.length * 3 <= most || Buffer.byteLength(message) <= most) return message;
  const bytes = Buffer.from(message);
  let end = most - CUT.length;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return `${bytes.subarray(0, end).toString()}${CUT}`;
}
