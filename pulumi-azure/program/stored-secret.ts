import type { Problems } from '../private/validation';
import type { StoredSecret } from '../stored-secret';
import type { StackConfig } from './stack-config';

const VAULT_ID =
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.KeyVault\/vaults\/([^/]+)$/i;

/** The keys that name a secret. */
export interface SecretKeys {
  /** Of the id of its vault. */
  readonly vaultId: string;
  /** Of its name there. */
  readonly name: string;
}

/** A secret that is in a Key Vault already, by two keys of the configuration; undefined: neither was given. */
export function storedSecretOf(
  config: StackConfig,
  keys: SecretKeys,
  problems: Problems,
): StoredSecret | undefined {
  const vaultId = config.text(keys.vaultId);
  const secretName = config.text(keys.name);
  problems.allOrNone({ [`sluice:${keys.vaultId}`]: vaultId, [`sluice:${keys.name}`]: secretName });
  problems.matches(
    `sluice:${keys.vaultId}`,
    vaultId,
    VAULT_ID,
    'the id of a vault, /subscriptions/…/vaults/NAME',
  );
  if (vaultId === undefined || secretName === undefined) return undefined;
  const vaultUri = `https://${VAULT_ID.exec(vaultId)?.[1]}.vault.azure.net`;
  return { vaultId, vaultUri, secretName };
}
