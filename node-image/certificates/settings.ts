import { isIP } from 'node:net';
import { z } from 'zod';

/** Where certificates are ordered, unless another authority is named. */
export const LETS_ENCRYPT_URL = 'https://acme-v02.api.letsencrypt.org/directory';
/** For tests: certificates that nobody trusts, and far higher limits. */
export const LETS_ENCRYPT_STAGING_URL = 'https://acme-staging-v02.api.letsencrypt.org/directory';

/** The certificate and the account, with their keys; outlives the machine where it has a data volume. */
export const CERTIFICATES_FOLDER = '/var/lib/sluice/certificates';
/** The account and the certificate, with their keys, and what failed: for the service alone. */
export const CERTIFICATE_STATE_FILE = `${CERTIFICATES_FOLDER}/state.json`;
/** What HAProxy reads: certificate, chain, key. */
export const ENTRY_CERTIFICATE_FILE = `${CERTIFICATES_FOLDER}/entry.pem`;
/** What else the service has while the machine runs. */
export const CERTIFICATES_RUN_FOLDER = '/run/sluice/certificates';
/** Written by `sluice boot`; without it the service does not start. */
export const CERTIFICATE_SETTINGS_FILE = `${CERTIFICATES_RUN_FOLDER}/settings.json`;
/** How it stands, for `sluice agent`. */
export const CERTIFICATE_STATUS_FILE = `${CERTIFICATES_RUN_FOLDER}/status.json`;
/** Where HAProxy asks for proofs that the authority wants on port 80. */
export const CHALLENGE_SOCKET = `${CERTIFICATES_RUN_FOLDER}/challenges.sock`;

const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const HOST_NAME = new RegExp(`^(?=.{1,253}$)(?:${LABEL}\\.)+${LABEL}$`, 'i');

/** `entry.lets_encrypt` of boot.json: a certificate by ACME (RFC 8555). */
export const certificateSettings = z.strictObject({
  /** The name that clients use, or the public address of the machine where it has no name. */
  domain: z.string().refine((text) => HOST_NAME.test(text) || isIP(text) !== 0, {
    message: 'has to be a host name such as meet.example.com, or an address',
  }),
  /** Whom the authority writes to. @default - nobody */
  email: z
    .string()
    .regex(/^[^\s@,?]+@[^\s@,?]+$/, 'has to be an address such as ops@example.com')
    .optional(),
  /** That you agree to the terms of service of the authority. */
  terms_agreed: z.literal(true, {
    error: "has to be true: read the terms of service (Let's Encrypt: letsencrypt.org/repository)",
  }),
  /** Directory of the authority. @default - of Let's Encrypt */
  directory_url: z.url({ protocol: /^https$/ }).default(LETS_ENCRYPT_URL),
  /**
   * Whether a machine of a cloud without the certificate has failed. Not where the name can only be
   * pointed to it afterwards. @default true
   */
  awaited: z.boolean().default(true),
});

export type CertificateSettings = z.output<typeof certificateSettings>;

/**
 * All that the service is told, by `sluice boot`: it reads neither the configuration of the node nor
 * its secrets.
 */
export const certificateServiceSettings = z.strictObject({
  certificate: certificateSettings,
  /** `logging` of sluice.yaml. */
  logging: z.unknown(),
  /** Where Master Nodes share it. */
  shared: z
    .strictObject({
      clusterName: z.string(),
      /** What it is encrypted with there; made of the cluster secret, for this alone. */
      secret: z.string().min(32),
      /** The same, of the cluster secret before, while that is changed. */
      previousSecret: z.string().min(32).optional(),
      /** `redis` of sluice.yaml, with the login. */
      redis: z.unknown(),
    })
    .optional(),
});

export type CertificateServiceSettings = z.output<typeof certificateServiceSettings>;

/** For people: who is asked for the certificate. */
export function issuerName(directoryUrl: string): string {
  if (directoryUrl === LETS_ENCRYPT_URL) return "Let's Encrypt";
  if (directoryUrl === LETS_ENCRYPT_STAGING_URL) return "Let's Encrypt (staging)";
  return new URL(directoryUrl).host;
}
