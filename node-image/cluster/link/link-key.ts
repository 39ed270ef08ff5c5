import { hkdfSync } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import { LINK_PROTOCOL } from './link';

/** What `sluice.cluster.secret` has at least, in characters. */
const MIN_SECRET_LENGTH = 32;
/** What OpenSSL takes of an identity, in bytes: PSK_MAX_IDENTITY_LEN. */
const MAX_IDENTITY_BYTES = 256;

export interface LinkSecret {
  /** `sluice.cluster.secret`. */
  readonly secret: string;
  /** `sluice.cluster.name`. */
  readonly clusterName: string;
}

/** What both ends of a link prove to each other that they have, without a certificate. */
export interface LinkKey {
  /** Sent in the clear: cluster and protocol. */
  readonly identity: string;
  readonly psk: Buffer;
}

/**
 * One suite and nothing to fall back on: forward secrecy by ECDHE, the key proven by both sides,
 * authenticated encryption. TLS 1.2, as Node has external keys of TLS 1.3 nowhere.
 *
 * Source: RFC 7905, section 2.
 */
export const LINK_TLS: SecureContextOptions = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.2',
  ciphers: 'ECDHE-PSK-CHACHA20-POLY1305',
};

/** @throws Error where the secret is too short or the name too long. */
export function linkKey({ secret, clusterName }: LinkSecret): LinkKey {
  if (secret.length < MIN_SECRET_LENGTH) {
    throw new Error(
      `The cluster secret has ${secret.length} characters and needs ${MIN_SECRET_LENGTH} or more: set sluice.cluster.secret_file or SLUICE_CLUSTER_SECRET, the same on all nodes.`,
    );
  }
  const identity = `sluice-link/${LINK_PROTOCOL}/${clusterName}`;
  if (Buffer.byteLength(identity) > MAX_IDENTITY_BYTES) {
    throw new Error(
      `The cluster's name has ${Buffer.byteLength(clusterName)} bytes; shorten sluice.cluster.name to 200 or less.`,
    );
  }
  const psk = Buffer.from(hkdfSync('sha256', secret, '', 'sluice node link', 32));
  return { identity, psk };
}
