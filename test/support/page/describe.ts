import * as livekit from 'livekit-client';

/** Reduces an event's argument to something that survives the way from the page to Node. */
export function describeValue(value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object') return typeof value === 'function' ? 'function' : value;
  if (value instanceof livekit.Participant) return value.identity;
  if (value instanceof livekit.TrackPublication) return value.source;
  if (value instanceof livekit.Track) return value.source;
  if (value instanceof Error) return value.message;
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  if (Array.isArray(value)) return value.map(describeValue);
  if (value instanceof Map) return describeValue(Object.fromEntries(value));
  try {
    return JSON.parse(
      JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? Number(v) : v)),
    );
  } catch {
    return Object.prototype.toString.call(value);
  }
}
