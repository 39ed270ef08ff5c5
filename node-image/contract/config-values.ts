import { z } from 'zod';

/** The kinds of value a key can have; the loader and the manual name them to people. */
declare module 'zod' {
  interface GlobalMeta {
    /** What may be written for this key, in words, for error messages. */
    allowed?: string;
    /** A secret: never printed, not even in an error message. */
    secret?: boolean;
  }
}

const DURATION_UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const DURATION = /^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/u;
const DURATION_PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gu;

/**
 * Reads a duration as Go writes it: "5s", "500ms", "1h30m", and 0.
 *
 * @returns milliseconds, or undefined where the text is no duration.
 */
export function parseDuration(text: string | number): number | undefined {
  if (Number(text) === 0 && text !== '') {
    return 0;
  }
  if (typeof text === 'number' || !DURATION.test(text)) {
    return undefined;
  }
  let milliseconds = 0;
  for (const [, amount, unit] of text.matchAll(DURATION_PART)) {
    milliseconds += Number(amount) * (DURATION_UNIT_MS[unit ?? ''] ?? Number.NaN);
  }
  return milliseconds;
}

/** A Go duration in the file; **milliseconds** in the typed config. */
export const duration = (byDefault: string) =>
  z
    .union([z.string(), z.number()])
    .transform((text, context) => {
      const milliseconds = parseDuration(text);
      if (milliseconds === undefined) {
        context.addIssue({ code: 'custom', message: 'not a duration' });
        return z.NEVER;
      }
      return milliseconds;
    })
    .meta({ allowed: 'a duration with its unit, such as 500ms, 5s or 1m30s' })
    .prefault(byDefault);

export const flag = (byDefault: boolean) =>
  z.boolean().meta({ allowed: 'true or false' }).default(byDefault);

export const text = (byDefault = '') => z.string().meta({ allowed: 'text' }).default(byDefault);

export const secret = () => z.string().meta({ allowed: 'text', secret: true }).default('');

/** A whole number from `minimum` to `maximum`, both included. */
export const whole = (
  byDefault: number,
  minimum = 0,
  maximum: number = Number.MAX_SAFE_INTEGER,
  unit = '',
) =>
  z
    .int()
    .min(minimum)
    .max(maximum)
    .meta({ allowed: wholeInWords(minimum, maximum, unit) })
    .default(byDefault);

export const decimal = (byDefault: number, minimum: number, maximum: number) =>
  z
    .number()
    .min(minimum)
    .max(maximum)
    .meta({ allowed: `a number from ${minimum} to ${maximum}` })
    .default(byDefault);

/** A port to listen on. 0 means: not at all. */
export const port = (byDefault: number) =>
  z
    .int()
    .min(0)
    .max(65535)
    .meta({ allowed: 'a port, 1 to 65535, or 0 for none' })
    .default(byDefault);

export const texts = (byDefault: readonly string[] = []) =>
  z
    .array(z.string())
    .meta({ allowed: 'a list of texts' })
    .default([...byDefault]);

export const ipAddress = () =>
  z.union([z.ipv4(), z.ipv6()]).meta({ allowed: 'an IPv4 or IPv6 address' });

export const cidr = () =>
  z
    .union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()])
    .meta({ allowed: 'a network such as 10.0.0.0/8 or 2001:db8::/32, or one address' });

export const cidrs = () =>
  z.array(cidr()).meta({ allowed: 'a list of networks such as 10.0.0.0/8' }).default([]);

/** One of a few words. */
export const oneOf = <const Words extends readonly [string, ...string[]]>(
  words: Words,
  byDefault: Words[number],
) =>
  z
    .enum(words)
    .meta({ allowed: `one of ${words.join(', ')}` })
    .default(byDefault as never);

/** A section of the file. Left out, or empty, it has the defaults of its keys. */
export const section = <Shape extends z.core.$ZodShape>(shape: Shape) =>
  z.strictObject(shape).meta({ allowed: 'a section with keys of its own' });

function wholeInWords(minimum: number, maximum: number, unit: string): string {
  const of = unit === '' ? '' : ` (${unit})`;
  if (minimum === -Number.MAX_SAFE_INTEGER) {
    return `a whole number${of}`;
  }
  return maximum === Number.MAX_SAFE_INTEGER
    ? `a whole number${of}, ${minimum} or more`
    : `a whole number${of} from ${minimum} to ${maximum}`;
}

/** Who runs jobs of a kind. */
export const jobService = () =>
  z.enum(['builtin', 'livekit']).meta({ allowed: 'builtin or livekit' }).default('builtin');

/** A host (with a dot, a port, or localhost), a path, and a tag or a digest; or nothing. Source: Podman, image names. */
const IMAGE =
  /^(?:localhost|[a-z0-9-]+(?:\.[a-z0-9-]+)+|[a-z0-9.-]+:\d+)(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)+(?::[\w][\w.-]{0,127}|@sha256:[0-9a-f]{64})$|^$/;

/** The full name of an image, with its tag or digest; empty: none. */
export const image = () =>
  z
    .string()
    .max(400)
    .regex(IMAGE)
    .meta({
      allowed:
        'the full name of an image with a tag or a digest, such as registry.example.com/media/egress:1.2, or empty for none',
    })
    .default('');
