import { RoomError } from '../room/errors';

/** Source: the Twirp specification, "Error Codes". */
const HTTP_STATUS = {
  canceled: 408,
  unknown: 500,
  invalid_argument: 400,
  malformed: 400,
  deadline_exceeded: 408,
  not_found: 404,
  bad_route: 404,
  already_exists: 409,
  permission_denied: 403,
  unauthenticated: 401,
  resource_exhausted: 429,
  failed_precondition: 412,
  aborted: 409,
  out_of_range: 400,
  unimplemented: 501,
  internal: 500,
  unavailable: 503,
  dataloss: 500,
} as const;

export type TwirpCode = keyof typeof HTTP_STATUS;
export const twirpCodes = Object.keys(HTTP_STATUS) as readonly TwirpCode[];

/** An error a Twirp client is told: code, text and facts. */
export class TwirpError extends Error {
  override readonly name = 'TwirpError';

  constructor(
    readonly code: TwirpCode,
    message: string,
    readonly meta: Readonly<Record<string, string>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  get status(): number {
    return HTTP_STATUS[this.code];
  }

  /** The JSON body of the answer. */
  toBody(): Buffer {
    const meta = Object.keys(this.meta).length > 0 ? { meta: this.meta } : {};
    return Buffer.from(JSON.stringify({ code: this.code, msg: this.message, ...meta }));
  }
}

export const badRoute = (message: string, method: string, path: string): TwirpError =>
  new TwirpError('bad_route', message, { twirp_invalid_route: `${method} ${path}` });

export const permissionsDenied = (): TwirpError =>
  new TwirpError('unauthenticated', 'permissions denied');

/** What went wrong, for the caller. The text of an unexpected error stays in the log. */
export function twirpErrorOf(error: unknown): TwirpError {
  if (error instanceof TwirpError) return error;
  if (error instanceof RoomError) {
    return new TwirpError(error.code, error.message, error.meta, { cause: error });
  }
  return new TwirpError('internal', 'internal error', {}, { cause: error });
}
