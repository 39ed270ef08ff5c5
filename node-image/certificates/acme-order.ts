import { isIP } from 'node:net';
import { type Authorization, Client, crypto, type Order } from 'acme-client';
import { AcmeProblem, acmeProblem } from './acme-problem';
import { setOwnTransport } from './acme-transport';
import { bundle } from './entry-certificate';
import type { CertificateSettings } from './settings';

/** Let's Encrypt gives certificates for addresses by this profile alone: they are for six days. */
const ADDRESS_PROFILE = 'shortlived';
const FIRST_PAUSE_MS = 500;
const LAST_PAUSE_MS = 5000;
/** In all about a minute. */
const LOOKS = 15;

export interface AcmeOrderOptions {
  readonly settings: Pick<CertificateSettings, 'domain' | 'email' | 'directory_url'>;
  /** PEM. */
  readonly accountKey: string;
  /** Resolves when every machine that may be asked on port 80 answers so. */
  readonly prove: (token: string, keyAuthorization: string) => Promise<void>;
}

/** A private key for an account, PEM. */
export const newAccountKey = async (): Promise<string> =>
  String(await crypto.createPrivateEcdsaKey('P-256'));

/**
 * Orders one certificate by ACME, proven by HTTP (RFC 8555, section 8.3).
 *
 * @returns PEM of certificate, chain and key; the key is a new one.
 * @throws AcmeProblem, AcmeUnreachableError
 */
export async function orderCertificate(options: AcmeOrderOptions): Promise<string> {
  const { settings, accountKey } = options;
  const { domain, email, directory_url: directoryUrl } = settings;
  setOwnTransport();
  const client = new Client({
    directoryUrl,
    accountKey,
    backoffAttempts: LOOKS,
    backoffMin: FIRST_PAUSE_MS,
    backoffMax: LAST_PAUSE_MS,
  });
  await client.createAccount({
    termsOfServiceAgreed: true,
    ...(email !== undefined && { contact: [`mailto:${email}`] }),
  });
  const isAddress = isIP(domain) !== 0;
  const wanted = {
    identifiers: [{ type: isAddress ? 'ip' : 'dns', value: domain }],
    ...(isAddress && { profile: ADDRESS_PROFILE }),
  };
  const order = await client.createOrder(wanted);
  for (const authorization of await client.getAuthorizations(order)) {
    if (authorization.status !== 'valid') await authorize(client, authorization, options);
  }
  const key = String(await crypto.createPrivateEcdsaKey('P-256'));
  const [, csr] = await crypto.createCsr({ altNames: [domain] }, key);
  const finalized = await client.finalizeOrder(order, csr);
  try {
    return bundle(await client.getCertificate(finalized), key);
  } catch (error) {
    throw await orderProblem(client, order, error);
  }
}

async function authorize(
  client: Client,
  authorization: Authorization,
  { prove }: AcmeOrderOptions,
): Promise<void> {
  const challenge = authorization.challenges.find(({ type }) => type === 'http-01');
  if (challenge === undefined) {
    throw new AcmeProblem('unsupportedIdentifier', 'it takes no proof by HTTP for this name');
  }
  await prove(challenge.token, await client.getChallengeKeyAuthorization(challenge));
  await client.completeChallenge(challenge);
  try {
    await client.waitForValidStatus(challenge);
  } catch (error) {
    if (error instanceof AcmeProblem) throw error;
    // The library tells the text of the problem, and not its type.
    const [now] = await client.getAuthorizations({
      authorizations: [authorization.url],
    } as Order);
    const failed = now?.challenges.find(({ url }) => url === challenge.url);
    throw failed?.error === undefined ? error : acmeProblem(failed.error);
  }
}

async function orderProblem(client: Client, order: Order, error: unknown): Promise<unknown> {
  const now = await client.getOrder(order).catch(() => undefined);
  return now?.error === undefined ? error : acmeProblem(now.error);
}
