import type { TokenCredential } from '@azure/identity';
import { z } from 'zod';
import { type AuthFile, authOf } from './auth-file';

const ACR = /^[a-z0-9]+(?:-[a-z0-9]+)?\.azurecr\.(?:io|us|cn)$/;
/** Whoever comes with a token of Azure. Source: learn.microsoft.com, "az acr login --expose-token". */
const TOKEN_USER = '00000000-0000-0000-0000-000000000000';
const SCOPE = 'https://containerregistry.azure.net/.default';

const exchanged = z.object({ refresh_token: z.string().min(1) });

/** Whether a registry is one of Azure Container Registry. */
export const isAcr = (registry: string): boolean => ACR.test(registry);

/**
 * A login by the identity of this machine, good for 3 hours.
 *
 * @throws Error of Azure, or that says what the registry answered
 */
export async function acrLogin(
  registry: string,
  credential: TokenCredential,
  fetcher: typeof fetch,
  signal: AbortSignal,
): Promise<AuthFile> {
  const token = await credential.getToken(SCOPE, { abortSignal: signal });
  if (token === null) throw new Error('the machine has no identity');
  // Source: azure/acr, docs/AAD-OAuth.md, "Calling POST /oauth2/exchange".
  const response = await fetcher(`https://${registry}/oauth2/exchange`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'access_token',
      service: registry,
      access_token: token.token,
    }),
    redirect: 'error',
    signal,
  });
  const answer = exchanged.safeParse(await response.json().catch(() => undefined)).data;
  if (!response.ok || answer === undefined) {
    throw new Error(`${registry} answered ${response.status} to the identity of this machine`);
  }
  return authOf(registry, TOKEN_USER, answer.refresh_token);
}
