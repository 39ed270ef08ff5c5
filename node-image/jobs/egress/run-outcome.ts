import { type EgressInfo, EgressStatus } from '@livekit/protocol';
import { EgressError } from './egress-error';
import { SourceError } from './source';

/** Of errors, as HTTP says them: EgressInfo.error_code. */
const CODES = {
  invalid_argument: 400,
  not_found: 404,
  already_exists: 409,
  failed_precondition: 412,
  unavailable: 503,
  unimplemented: 501,
  internal: 500,
} as const;

const NEVER_STARTED = 'Stop called before pipeline could start';

/** Its first media is written. @param firstNs - when that was taken, in ns since 1970 */
export function stampActive(info: EgressInfo, firstNs: bigint): void {
  if (info.startedAt === 0n) info.startedAt = firstNs;
  info.status = EgressStatus.EGRESS_ACTIVE;
  for (const one of [...info.fileResults, ...info.segmentResults, ...info.imageResults]) {
    if (one.startedAt === 0n) one.startedAt = firstNs;
  }
}

/** Everything is written. */
export function stampResults(info: EgressInfo, endedAtNs: bigint, durationMs: number): void {
  for (const one of info.fileResults) {
    one.endedAt = endedAtNs;
    one.duration += BigInt(Math.round(durationMs * 1e6));
  }
  for (const one of [...info.segmentResults, ...info.imageResults]) one.endedAt = endedAtNs;
}

/** It ended as it should. */
export function stampEnded(info: EgressInfo, reason: string, isLimit: boolean): void {
  info.details = `End reason: ${reason}`;
  if (info.startedAt === 0n) {
    info.status = EgressStatus.EGRESS_ABORTED;
    info.error = NEVER_STARTED;
    info.errorCode = CODES.failed_precondition;
    return;
  }
  info.status = isLimit ? EgressStatus.EGRESS_LIMIT_REACHED : EgressStatus.EGRESS_COMPLETE;
  if (isLimit) info.error = reason;
}

/** It ended as it should not, or before it had begun. */
export function stampFailed(info: EgressInfo, error: unknown): void {
  const asked = info.status === EgressStatus.EGRESS_ENDING && info.startedAt === 0n;
  const notStarted = error instanceof SourceError && error.code === CODES.failed_precondition;
  info.status = asked || notStarted ? EgressStatus.EGRESS_ABORTED : EgressStatus.EGRESS_FAILED;
  info.error = asked ? NEVER_STARTED : messageOf(error);
  info.errorCode = asked ? CODES.failed_precondition : codeOf(error);
  info.details = 'End reason: Failure';
}

function codeOf(error: unknown): number {
  if (error instanceof SourceError) return error.code;
  return error instanceof EgressError ? CODES[error.code] : CODES.internal;
}

const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).slice(0, 1000);
