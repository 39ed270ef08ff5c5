/** Source: livekit/psrpc, errors.go. */
export type PsrpcCode =
  | 'canceled'
  | 'malformed_request'
  | 'malformed_result'
  | 'deadline_exceeded'
  | 'unavailable'
  | 'unknown'
  | 'invalid_argument'
  | 'not_found'
  | 'not_acceptable'
  | 'already_exists'
  | 'permission_denied'
  | 'resource_exhausted'
  | 'failed_precondition'
  | 'aborted'
  | 'out_of_range'
  | 'unimplemented'
  | 'internal'
  | 'data_loss'
  | 'unauthenticated'
  | 'unprocessable_entity'
  | 'upstream_server_error'
  | 'upstream_client_error';

/** A call that failed: there, on the way, or for want of somebody who takes it. */
export class PsrpcError extends Error {
  override readonly name: string = 'PsrpcError';

  constructor(
    /** One of `PsrpcCode`, or what a newer server says. */
    readonly code: PsrpcCode | (string & {}),
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Nobody has answered: no server is there, or none takes it. */
export class NobodyAnsweredError extends PsrpcError {
  override readonly name = 'NobodyAnsweredError';

  constructor(what: string) {
    super('unavailable', `no response from servers: ${what}`);
  }
}

/** It may go better the next time. Source: livekit/protocol, rpc/egress_client.go. */
export const mayPass = (error: unknown): boolean =>
  !(error instanceof PsrpcError) ||
  ['deadline_exceeded', 'resource_exhausted', 'unavailable'].includes(error.code);
