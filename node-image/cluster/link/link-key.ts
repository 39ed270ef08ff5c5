import { hkdfSync } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import { LINK_PROTOCOL } from './link';

/** What `sluice.cluster.secret` has at least, in characters. */
const MIN_SECRET_LENGTH = 32;
/** What OpenSSL takes of an identity, in bytes: PSK_MAX_IDENTITY_LEN. */
const MAX_IDENTITY_BYTES = 256;
/** Enough to tell two secrets apart, and too little to try guesses at one against. */
const ID_BYTES = 2;

export interface LinkSecret {
  /** `sluice.cluster.secret`. */
  readonly secret: string;
  /** `sluice.cluster.previous_secret`, which is taken as well. @default - none */
  readonly previousSecret?: string | undefined;
  /** `sluice.cluster.name`. */
  readonly clusterName: string;
}

/** What both ends of a link prove to each other that they have, without a certificate. */
export interface LinkKey {
  /** Says which secret it is, and nothing of the secret. */
  readonly id: string;
  /** Sent in the clear: protocol, cluster and secret. */
  readonly identity: string;
  readonly psk: Buffer;
}

/** The newest first. */
export type LinkKeys = readonly [LinkKey, ...LinkKey[]];

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

/**
 * The keys of a node: of its secret, and of the one before, where it is told that.
 *
 * @throws Error where a secret is too short or the name too long.
 */
export function linkKeys({ secret, previousSecret = '', clusterName }: LinkSecret): LinkKeys {
  const previous = previousSecret === '' ? [] : [keyOf(previousSecret, clusterName)];
  return [keyOf(secret, clusterName), ...previous];
}

/** What every identity of this cluster and protocol begins with. */
export const identityPrefix = (clusterName: string): string =>
  `sluice-link/${LINK_PROTOCOL}/${clusterName}#`;

/** What a server says of the secrets that it takes, before it is shown any. Source: RFC 4279, section 2. */
export const hintOf = (keys: LinkKeys): string => keys.map(({ id }) => id).join(',');

/**
 * With which key a client proves itself: the newest that the server takes.
 *
 * @param hint - what the server says that it takes
 * @returns the newest of all where it takes none: then it turns the client away as a stranger.
 */
export function chooseKey(keys: LinkKeys, hint: string | null): LinkKey {
  const taken = new Set(hint?.split(','));
  return keys.find(({ id }) => taken.has(id)) ?? keys[0];
}

function keyOf(secret: string, clusterName: string): LinkKey {
  if (secret.length < MIN_SECRET_LENGTH) {
    throw new Error(
      `The cluster secret has ${secret.length} characters and needs ${MIN_SECRET_LENGTH} or more: set sluice.cluster.secret_file or SLUICE_CLUSTER_SECRET, the same on all nodes.`,
    );
  }
  const derive = (purpose: string, bytes: number): Buffer =>
    Buffer.from(hkdfSync('sha256', secret, '', purpose, bytes));
  const id = derive('sluice node link: id', ID_BYTES).toString('hex');
  const identity = `${identityPrefix(clusterName)}${id}`;
  if (Buffer.byteLength(identity) > MAX_IDENTITY_BYTES) {
    throw new Error(
      `The cluster's name has ${Buffer.byteLength(clusterName)} bytes; shorten sluice.cluster.name to 200 or less.`,
    );
  }
  return { id, identity, psk: derive('sluice node link', 32) };
}
