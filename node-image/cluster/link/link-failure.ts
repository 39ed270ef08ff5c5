import type { LinkAddress } from '../node-record';
import { LinkError } from './link';

const SILENT = new Set([
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** A host and its port as people write them. */
export const linkName = ({ host, port }: LinkAddress): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/**
 * What a failed connection says of the node.
 *
 * @param isProven - whether the other side had proven itself before.
 */
export function linkErrorOf(cause: unknown, to: LinkAddress, isProven: boolean): LinkError {
  if (cause instanceof LinkError) return cause;
  const code =
    cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  const where = linkName(to);
  if (code === 'ECONNREFUSED') {
    return new LinkError('refused', `nothing listens at ${where} any more`, { cause });
  }
  if (SILENT.has(code)) {
    return new LinkError('silent', `${where} cannot be reached: ${code}`, { cause });
  }
  if (
    !isProven &&
    (code === 'EPROTO' || code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_'))
  ) {
    return new LinkError(
      'stranger',
      `${where} is not a Media Node of this cluster and version: compare sluice.cluster.name and secret on both`,
      { cause },
    );
  }
  return new LinkError('reset', `the connection to ${where} broke off: ${code || String(cause)}`, {
    cause,
  });
}
