/** The codes of LiveKit's errors that an Egress ends or is refused with. Source: psrpc errors.go. */
export type EgressErrorCode =
  | 'invalid_argument'
  | 'not_found'
  | 'already_exists'
  | 'failed_precondition'
  | 'unavailable'
  | 'unimplemented'
  | 'internal';

/** A request that is refused, or a job that cannot go on, in LiveKit's words where it has some. */
export class EgressError extends Error {
  override readonly name = 'EgressError';

  constructor(
    readonly code: EgressErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Source: livekit/egress pkg/errors. */
export const invalidInput = (field: string): EgressError =>
  new EgressError('invalid_argument', `request has missing or invalid field: ${field}`);

export const notSupported = (feature: string): EgressError =>
  new EgressError('unimplemented', `${feature} is not yet supported`);

export const incompatible = (format: string, codec: string): EgressError =>
  new EgressError('invalid_argument', `format ${format} incompatible with codec ${codec}`);

export const invalidUrl = (url: string, reason: string): EgressError =>
  new EgressError('invalid_argument', `invalid url ${url}: ${reason}`);

/** @param page - what names it */
export const ownMixing = (page: string): EgressError =>
  new EgressError(
    'invalid_argument',
    `audio_mixing is of the layouts of the node: the page of ${page} mixes its sound by itself`,
  );
