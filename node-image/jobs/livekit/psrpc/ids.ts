import { randomBytes } from 'node:crypto';

/** Source: livekit/psrpc, pkg/rand/id.go. */
export const newPsrpcId = (prefix: 'CLI_' | 'SRV_' | 'REQ_'): string =>
  `${prefix}${randomBytes(9).toString('base64url').replaceAll('-', 'a').replaceAll('_', 'b')}`;
