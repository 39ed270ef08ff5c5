import { z } from 'zod';
import { AdminError } from '../../cluster/admin-views';
import { parseDuration } from '../../contract';

/** Longest duration that anybody may ask for: two weeks, in ms. */
const MAX_DURATION_MS = 14 * 24 * 3_600_000;

/** A duration with its unit, or a number of ms; in ms. */
export const durationMs = z
  .union([z.string(), z.number()], 'a duration such as 500ms, 90s or 1h30m, or a number of ms')
  .transform((value, context) => {
    const ms = typeof value === 'number' ? value : parseDuration(value);
    if (ms === undefined || !Number.isFinite(ms) || ms < 0 || ms > MAX_DURATION_MS) {
      context.addIssue({
        code: 'custom',
        message: 'a duration such as 500ms, 90s or 1h30m, or a number of ms; 336h at most',
      });
      return z.NEVER;
    }
    return Math.round(ms);
  });

/** A sentence of somebody's own, for logs and people. */
export const reasonText = z
  .string('a text of 200 characters at most, in one line')
  .max(200, 'a text of 200 characters at most, in one line')
  .regex(/^\P{Cc}*$/u, 'a text of 200 characters at most, in one line');

/**
 * Reads what a caller gave, by a schema whose messages say what is allowed.
 *
 * @param what - "the body", "the query"
 * @throws AdminError `invalid`, with all that is wrong.
 */
export function inputOf<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value ?? {});
  if (parsed.success) {
    return parsed.data;
  }
  const texts = parsed.error.issues.map((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return `there is no ${issue.keys.join(', ')}`;
    }
    const where = issue.path.join('.');
    return where === '' ? 'give a JSON object' : `${where} has to be ${issue.message}`;
  });
  const known =
    schema instanceof z.ZodObject ? ` It may have ${Object.keys(schema.shape).join(', ')}.` : '';
  throw new AdminError('invalid', `In ${what}, ${texts.join('; ')}.${known}`);
}
