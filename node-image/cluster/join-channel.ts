import {
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { CompactEncrypt, compactDecrypt } from 'jose';
import { z } from 'zod';
import { entrySchema } from './shared-entry';

/**
 * What is said between a machine that joins and a Master Node, so that it does not matter who stands
 * between them: the token has the cluster's public key, the request is encrypted for it, and has the
 * key for the answer in it. So only a node of the cluster can read the request, and answer it, whatever
 * certificate the entry has and wherever TLS ends.
 *
 * JWE in its compact form: ECDH-ES with X25519, or a key given directly, and A256GCM. Source: RFC 7516,
 * RFC 8037.
 */
const FORMAT = 'sluice-join-1';
/** PKCS #8 of an X25519 key, up to the key itself. Source: RFC 8410, section 7. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');
/** Longer than any request is. Characters. */
export const MAX_JOIN_REQUEST = 4096;
const MAX_ANSWER = 1 << 20;

const line = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^\P{Cc}*$/u);

const requestSchema = z.object({
  id: line(64),
  secret: line(128),
  claim: line(128).min(32),
  /** base64url of 32 bytes that the answer is encrypted with. */
  replyKey: z.string().regex(/^[\w-]{43}$/),
  /** What it is to be called. */
  machine: line(64).min(1),
  role: line(32),
  version: line(64),
  linkProtocol: z.int().min(0).max(1_000_000),
  /** Its clock, ms since 1970. */
  nowMs: z.number(),
});

const redisSchema = z.object({
  address: z.string(),
  username: z.string(),
  /** Empty where it is made from the cluster's secret, and where there is none. */
  password: z.string(),
  db: z.number(),
  tls: z.boolean(),
  sentinelMasterName: z.string(),
  sentinelAddresses: z.array(z.string()),
  clusterAddresses: z.array(z.string()),
});

const grantSchema = z.object({
  clusterName: z.string(),
  clusterSecret: z.string(),
  keys: z.record(z.string(), z.string()),
  redis: redisSchema,
  /** Whether nodes make the password of Redis from the cluster's secret. */
  redisPasswordIsDerived: z.boolean(),
  /** The name that TURN/TLS has; empty: clients are told of none. */
  turnDomain: z.string(),
  /** Where the cluster was made with jobs. */
  jobs: z
    .object({
      /** That clients enter by, with its port where it is not 443. */
      host: z.string(),
      /** Whether encoders are taken by RTMP. */
      rtmp: z.boolean(),
      /** Folder of each node; empty: none. */
      recordings: z.string(),
    })
    .optional(),
  /** For a further Master Node: what clients enter by. */
  entry: entrySchema.optional(),
});

const answerSchema = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('granted'), grant: grantSchema }),
  z.object({ outcome: z.literal('refused'), message: z.string() }),
]);

export type JoinRequest = z.infer<typeof requestSchema>;
/** All that a machine needs to be a node of the cluster. */
export type JoinGrant = z.infer<typeof grantSchema>;
export type JoinAnswer = z.infer<typeof answerSchema>;

/** It was not encrypted for this key, or is nothing of ours. Never says more than that. */
export class JoinChannelError extends Error {
  override readonly name = 'JoinChannelError';
}

/** What a Master Node reads requests with; the same on all of a cluster. */
export class JoinReader {
  readonly #key: KeyObject;
  /** What tokens have of it: 43 characters of base64url. */
  readonly publicKey: string;

  /** @param clusterSecret - `sluice.cluster.secret` */
  constructor(clusterSecret: string) {
    const seed = Buffer.from(hkdfSync('sha256', clusterSecret, '', 'sluice join key', 32));
    const key = Buffer.concat([PKCS8_PREFIX, seed]);
    this.#key = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
    this.publicKey = createPublicKey(this.#key).export({ format: 'jwk' }).x ?? '';
  }

  /** @throws JoinChannelError */
  async open(text: string): Promise<JoinRequest> {
    if (text.length > MAX_JOIN_REQUEST) throw new JoinChannelError('it is too long');
    return checked(requestSchema, await decrypt(text, this.#key, 'ECDH-ES').catch(refuse));
  }
}

export const newReplyKey = (): string => randomBytes(32).toString('base64url');

/** @param publicKey - of the token */
export async function sealRequest(request: JoinRequest, publicKey: string): Promise<string> {
  const jwk = { kty: 'OKP', crv: 'X25519', x: publicKey };
  return encrypt(request, createPublicKey({ key: jwk, format: 'jwk' }), 'ECDH-ES');
}

export const sealAnswer = (answer: JoinAnswer, { replyKey }: JoinRequest): Promise<string> =>
  encrypt(answer, Buffer.from(replyKey, 'base64url'), 'dir');

/** @throws JoinChannelError where it is not the cluster's answer to this request. */
export async function openAnswer(text: string, { replyKey }: JoinRequest): Promise<JoinAnswer> {
  if (text.length > MAX_ANSWER) throw new JoinChannelError('it is too long');
  const key = Buffer.from(replyKey, 'base64url');
  return checked(answerSchema, await decrypt(text, key, 'dir').catch(refuse));
}

function encrypt(value: unknown, key: KeyObject | Uint8Array, alg: string): Promise<string> {
  return new CompactEncrypt(Buffer.from(JSON.stringify(value)))
    .setProtectedHeader({ alg, enc: 'A256GCM', typ: FORMAT })
    .encrypt(key);
}

async function decrypt(text: string, key: KeyObject | Uint8Array, alg: string): Promise<unknown> {
  const { plaintext, protectedHeader } = await compactDecrypt(text, key, {
    keyManagementAlgorithms: [alg],
    contentEncryptionAlgorithms: ['A256GCM'],
  });
  if (protectedHeader.typ !== FORMAT) throw new Error('it is of another format');
  return JSON.parse(Buffer.from(plaintext).toString('utf8'));
}

function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const { data, error } = schema.safeParse(value);
  if (data === undefined) throw new JoinChannelError('it is of another version', { cause: error });
  return data;
}

function refuse(error: unknown): never {
  throw new JoinChannelError('it cannot be read with this key', { cause: error });
}
