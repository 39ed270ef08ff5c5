import { Buffer } from 'node:buffer';
import { createPrivateKey, createPublicKey } from 'node:crypto';

/** What an Ed25519 private key is wrapped in. Source: RFC 8410, section 7. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Bytes of the public key at the end of its wrapping. */
const KEY_BYTES = 32;

/**
 * The public half of a key that nobody keeps: Azure wants one for each machine. Pure.
 *
 * @param seed - 32 bytes, in base64
 * @returns as in authorized_keys. Source: RFC 8709, section 4
 */
export function publicKeyOf(seed: string): string {
  const wrapped = Buffer.concat([PKCS8, Buffer.from(seed, 'base64')]);
  const key = createPublicKey(createPrivateKey({ key: wrapped, format: 'der', type: 'pkcs8' }));
  const raw = key.export({ format: 'der', type: 'spki' }).subarray(-KEY_BYTES);
  const blob = Buffer.concat([field(Buffer.from('ssh-ed25519')), field(raw)]);
  return `ssh-ed25519 ${blob.toString('base64')} nobody`;
}

function field(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
