import { z } from 'zod';

/** Source: RFC 8555, section 6.7; RFC 7807. */
const problemSchema = z.object({ type: z.string().optional(), detail: z.string().optional() });

const PREFIX = 'urn:ietf:params:acme:error:';

/** What the authority says is wrong. */
export class AcmeProblem extends Error {
  override readonly name = 'AcmeProblem';

  /**
   * @param kind - such as `caa`, `dns`, `connection`, `rateLimited`; empty where it does not say
   * @param notBeforeMs - when it may be asked again, ms since 1970; undefined: it does not say
   */
  constructor(
    readonly kind: string,
    readonly detail: string,
    readonly notBeforeMs?: number | undefined,
  ) {
    super(`${kind}: ${detail}`);
  }
}

/** The authority was not reached, or did not answer as one. */
export class AcmeUnreachableError extends Error {
  override readonly name = 'AcmeUnreachableError';

  constructor(
    readonly url: string,
    /** Such as ENOTFOUND, ETIMEDOUT, CERT_NOT_YET_VALID, or the status of HTTP. */
    readonly code: string,
    options?: ErrorOptions,
  ) {
    super(`${url} cannot be asked (${code})`, options);
  }
}

/** @param value - a problem document, as in an answer or in a challenge */
export function acmeProblem(value: unknown, notBeforeMs?: number): AcmeProblem {
  const { type = '', detail = 'it gives no reason' } = problemSchema.safeParse(value).data ?? {};
  const kind = type.startsWith(PREFIX) ? type.slice(PREFIX.length) : '';
  return new AcmeProblem(kind, detail.replace(/\s+/g, ' ').slice(0, 500), notBeforeMs);
}

/** Source: RFC 9110, section 10.2.3: seconds, or a date. */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  const atMs = /^\d+$/.test(header) ? nowMs + Number(header) * 1000 : Date.parse(header);
  return Number.isFinite(atMs) && atMs > nowMs ? atMs : undefined;
}
