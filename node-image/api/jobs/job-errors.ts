import { RegistryUnavailableError } from '../../cluster/registry';
import { NoNodeError } from '../../jobs/job-dispatcher';
import { NodeSilentError } from '../../jobs/job-nodes';
import { JobRefusedError, JobRequestError } from '../../jobs/job-runner';
import { PsrpcError } from '../../jobs/livekit/psrpc/psrpc-error';
import { type TwirpCode, TwirpError, twirpCodes } from '../twirp-error';

/**
 * What a caller of the server API is told of what went wrong with a job. Where no node has room, or
 * none can be asked now, that is 503: the same request may succeed later.
 */
export function jobErrorOf(error: unknown): unknown {
  if (error instanceof PsrpcError) return new TwirpError(twirpCodeOf(error), error.message);
  if (error instanceof JobRequestError) return new TwirpError(error.code, error.message);
  const isForNow =
    error instanceof NoNodeError ||
    error instanceof JobRefusedError ||
    error instanceof NodeSilentError ||
    error instanceof RegistryUnavailableError;
  return isForNow ? new TwirpError('unavailable', error.message) : error;
}

/** Source: livekit/psrpc, errors.go. */
function twirpCodeOf({ code }: PsrpcError): TwirpCode {
  const renamed: Readonly<Record<string, TwirpCode>> = {
    malformed_request: 'malformed',
    malformed_result: 'malformed',
    data_loss: 'dataloss',
    upstream_server_error: 'internal',
    upstream_client_error: 'invalid_argument',
  };
  return renamed[code] ?? twirpCodes.find((one) => one === code) ?? 'unknown';
}
