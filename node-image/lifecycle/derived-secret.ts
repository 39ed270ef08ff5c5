import { hkdfSync } from 'node:crypto';

/**
 * A secret of its own for each purpose, all from the one that the nodes of a cluster share.
 *
 * Source: RFC 5869.
 */
export const derivedSecret = (clusterSecret: string, purpose: string): string =>
  Buffer.from(hkdfSync('sha256', clusterSecret, '', `sluice ${purpose}`, 32)).toString('hex');
