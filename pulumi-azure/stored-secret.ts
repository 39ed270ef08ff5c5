import type * as pulumi from '@pulumi/pulumi';

/** A secret in a Key Vault that grants by roles. Machines read it at boot, by their identity. */
export interface StoredSecret {
  /** Its vault, such as `https://meet.vault.azure.net`. */
  readonly vaultUri: pulumi.Input<string>;

  /** Id of its vault, /subscriptions/…/vaults/NAME. */
  readonly vaultId: pulumi.Input<string>;

  /** Its name in the vault. A certificate of Key Vault has a secret of the same name. */
  readonly secretName: pulumi.Input<string>;
}
