import { ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import { type AuthFile, authOf } from './auth-file';

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
