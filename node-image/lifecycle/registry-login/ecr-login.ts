import { ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import { type AuthFile, authOf } from './auth-file';

/** A registry of Amazon ECR. Source: Amazon ECR user guide, "Private registries"; AWS China. */
const ECR = /^\d{12}\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.aws)$/;

/** The region of a registry of Amazon ECR; undefined: it is none. */
export const ecrRegion = (registry: string): string | undefined => ECR.exec(registry)?.[1];

/**
 * A login by the role of this machine, good for 12 hours.
 *
 * @throws Error of AWS
 */
export async function ecrLogin(
  registry: string,
  region: string,
  signal: AbortSignal,
): Promise<AuthFile> {
  const client = new ECRClient({ region });
  try {
    const { authorizationData } = await client.send(new GetAuthorizationTokenCommand({}), {
      abortSignal: signal,
    });
    const token = authorizationData?.[0]?.authorizationToken ?? '';
    const [username = '', password = ''] = Buffer.from(token, 'base64').toString().split(':');
    if (password === '') throw new Error('ECR gave no token');
    return authOf(registry, username, password);
  } finally {
    client.destroy();
  }
}
