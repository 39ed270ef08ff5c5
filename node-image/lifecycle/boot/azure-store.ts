import type { TokenCredential } from '@azure/identity';
import { isRestError, parseKeyVaultSecretIdentifier, SecretClient } from '@azure/keyvault-secrets';
import pRetry, { AbortError } from 'p-retry';
import { machineIdentity } from '../../cloud/azure/clients';
import type { Patience } from './aws-call';
import type { CloudStore } from './aws-store';
import { BootError, reasonOf } from './boot-error';

const RETRIES = 6;
const MIN_MS = 1000;
const MAX_MS = 15_000;

export interface AzureStoreOptions {
  /** `https://NAME.vault.azure.net` */
  readonly vault: string;
  /** Client id; '': of the only identity of the machine. */
  readonly identity: string;
  readonly patience?: Patience | undefined;
  /** @default - the identity of this machine */
  readonly credential?: TokenCredential | undefined;
  /** Who may sign for the vault beside those that Node.js knows, PEM: of a stand-in. @default - nobody */
  readonly ca?: string | undefined;
}

/** The secrets of a Key Vault: in Azure, configuration is kept there as well. */
export class AzureStore implements CloudStore {
  readonly #options: AzureStoreOptions;
  readonly #credential: TokenCredential;
  /** By vault. */
  readonly #clients = new Map<string, SecretClient>();

  constructor(options: AzureStoreOptions) {
    this.#options = options;
    this.#credential = options.credential ?? machineIdentity(options.identity);
  }

  parameter(name: string): Promise<string> {
    return this.#read(name, 'configuration', 'config.secret');
  }

  secret(id: string, purpose: string): Promise<string> {
    return this.#read(id, `secret for ${purpose}`, `secrets.${purpose}`);
  }

  /** @param id - a name in the vault, or the URL of a secret in another one */
  async #read(id: string, what: string, key: string): Promise<string> {
    const { vault, name, version } = this.#find(id, key);
    const text = `${what} (secret ${name} in ${vault})`;
    const { retries = RETRIES, minMs = MIN_MS } = this.#options.patience ?? {};
    const read = async (): Promise<string> => {
      try {
        const { value } = await this.#client(vault).getSecret(name, {
          ...(version === undefined ? {} : { version }),
        });
        return value ?? '';
      } catch (error) {
        const status = isRestError(error) ? error.statusCode : undefined;
        const words = inWords(error, status, text, key);
        throw status === 404 || status === 400 ? new AbortError(words) : words;
      }
    };
    // A role can take minutes until it is known everywhere.
    return pRetry(read, { retries, minTimeout: minMs, maxTimeout: MAX_MS, randomize: true });
  }

  #find(id: string, key: string): { vault: string; name: string; version?: string | undefined } {
    if (!id.includes('/')) return { vault: this.#options.vault.replace(/\/$/, ''), name: id };
    try {
      // Azure itself writes the address of a vault with a slash at its end.
      const { vaultUrl, name, version } = parseKeyVaultSecretIdentifier(
        id.replace(/(?<!:)\/{2,}/g, '/'),
      );
      return { vault: vaultUrl, name, version };
    } catch (error) {
      throw new BootError(
        `${key} in boot.json is given as ${JSON.stringify(id)}; allowed is the name of a secret, or its URL https://NAME.vault.azure.net/secrets/SECRET: correct it, and run \`sluice boot\` again.`,
        { cause: error },
      );
    }
  }

  #client(vault: string): SecretClient {
    const { ca } = this.#options;
    let client = this.#clients.get(vault);
    if (client === undefined) {
      client = new SecretClient(vault, this.#credential, {
        retryOptions: { maxRetries: 0 },
        // A stand-in has no name below vault.azure.net.
        ...(ca === undefined
          ? {}
          : { tlsOptions: { ca }, disableChallengeResourceVerification: true }),
      });
      this.#clients.set(vault, client);
    }
    return client;
  }
}

function inWords(error: unknown, status: number | undefined, text: string, key: string): BootError {
  const options = { cause: error };
  if (status === 404) {
    return new BootError(
      `There is no ${text}: deploy the stack again, or correct ${key} in boot.json.`,
      options,
    );
  }
  if (status === 401 || status === 403) {
    return new BootError(
      `This machine may not read the ${text} (${reasonOf(error)}): give its identity the role Key Vault Secrets User on it, and let the vault's firewall take the machine's subnet; a role that was given just now takes minutes to be known everywhere.`,
      options,
    );
  }
  if (error instanceof Error && /Credential|Authentication/.test(error.name)) {
    return new BootError(
      `This machine has no identity (${reasonOf(error)}), which the ${text} takes: give it a user-assigned one, and name its client id as identity in boot.json.`,
      options,
    );
  }
  if (status === 400) {
    return new BootError(
      `The ${text} is refused (${reasonOf(error)}): correct ${key} in boot.json.`,
      options,
    );
  }
  return new BootError(
    `Key Vault cannot be asked for the ${text} (${reasonOf(error)}): see that the machine has a way out to TCP 443, and that the time is right.`,
    options,
  );
}
