import type { TokenCredential } from '@azure/identity';
import { reasonOf } from '../boot/boot-error';
import { SECRETS_FOLDER } from '../boot/secret-files';
import { acrLogin, isAcr } from './acr-login';
import { type AuthFile, hasLogin, readAuthFile, registryOf } from './auth-file';

/** Where logins of a machine are, beside the file that REGISTRY_AUTH_FILE names: the first wins. */
export const LOGIN_FILES = [
  '/etc/sluice/registry.json',
  `${SECRETS_FOLDER}/registry`,
  // Where `podman login` of root writes, until the next boot.
  '/run/containers/0/auth.json',
] as const;

/** A registry of Amazon ECR. Source: Amazon ECR user guide, "Private registries"; AWS China. */
const ECR = /^\d{12}\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.aws)$/;

/** The region of a registry of Amazon ECR; undefined: it is none. */
const ecrRegion = (registry: string): string | undefined => ECR.exec(registry)?.[1];

/** A cloud answers within seconds, or not at all, ms. */
const WITHIN_MS = 30_000;
const NOBODY: AuthFile = { auths: {}, credHelpers: {} };

export interface RegistryLoginOptions {
  /** Its full name. */
  readonly image: string;
  /** In the order in which they are looked into. */
  readonly files: readonly string[];
  /** @returns undefined where there is no such file */
  readonly read: (file: string) => Promise<string | undefined>;
  /** The identity of this machine in Azure; loaded only where it is needed. */
  readonly azureCredential: () => Promise<TokenCredential>;
  /** @default fetch */
  readonly fetcher?: typeof fetch | undefined;
}

/**
 * The login that a machine has for the registry of an image, as a file for Podman: of the first file
 * that has one, or else by what the machine is in the cloud of the registry. Without any it is empty.
 *
 * @throws Error in one sentence, without what is secret, where a login that there should be cannot be had
 */
export async function registryLogin(options: RegistryLoginOptions): Promise<AuthFile> {
  const { image, files, read, azureCredential, fetcher = fetch } = options;
  const registry = registryOf(image);
  if (registry === '') {
    throw new Error(
      `${JSON.stringify(image)} does not say which registry it is in: give the full name of the image, such as registry.example.com/media/egress:1.2.`,
    );
  }
  for (const file of files) {
    const text = await read(file);
    if (text === undefined) continue;
    const logins = readAuthFile(text);
    if (logins === undefined) {
      throw new Error(
        `${file} has no logins that can be read (not shown); allowed is the file of \`podman login\`, or {"registry": "...", "username": "...", "password": "..."}: write it anew.`,
      );
    }
    if (hasLogin(logins, registry)) return logins;
  }
  const signal = AbortSignal.timeout(WITHIN_MS);
  const region = ecrRegion(registry);
  try {
    if (region !== undefined) {
      // Its SDK is loaded only where it is needed.
      const { ecrLogin } = await import('./ecr-login.js');
      return await ecrLogin(registry, region, signal);
    }
    if (isAcr(registry)) return await acrLogin(registry, await azureCredential(), fetcher, signal);
  } catch (error) {
    const right =
      region === undefined
        ? 'its identity the role AcrPull on the registry'
        : 'its role ecr:GetAuthorizationToken, and the rights to pull';
    throw new Error(
      `This machine gets no login for ${registry} (${reasonOf(error)}): give ${right}, or a login of its own by \`podman login --authfile ${LOGIN_FILES[0]} ${registry}\`.`,
      { cause: error },
    );
  }
  return NOBODY;
}
