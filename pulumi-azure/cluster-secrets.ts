import * as authorization from '@pulumi/azure-native/authorization';
import * as keyvault from '@pulumi/azure-native/keyvault';
import * as pulumi from '@pulumi/pulumi';
import * as random from '@pulumi/random';
import { SHORTEST_CLUSTER_SECRET } from '../node-image/contract';
import type { PlaceArgs } from './place';
import { nameSuffix, plainName } from './private/names';
import { placed } from './private/placed';
import { checkedSecret, checkedText, Problems } from './private/validation';
import type { StoredSecret } from './stored-secret';

/** A Key Vault of yours, which grants by roles (RBAC) and not by access policies. */
export interface ExistingVaultArgs {
  /** Its id, /subscriptions/…/vaults/NAME. */
  readonly vaultId: pulumi.Input<string>;

  /**
   * What the names of secrets begin with, so that clusters that share the vault are kept apart.
   *
   * @default - the name of the part, and a hyphen
   */
  readonly secretPrefix?: string;
}

/** The key pair that applications sign access tokens with. */
export interface ApiKeyArgs {
  /** Which key it is; no secret. */
  readonly key: pulumi.Input<string>;

  /** Its secret, 32 characters or more. */
  readonly secret: pulumi.Input<string>;
}

/** What a cluster takes for its secrets. */
export interface ClusterSecretsOptions {
  /**
   * A Key Vault of yours.
   *
   * @default - an own one, at 0.03 USD for 10000 reads
   */
  readonly existingVault?: ExistingVaultArgs;

  /**
   * The key pair that applications sign access tokens with.
   *
   * @default - a generated one
   */
  readonly apiKey?: ApiKeyArgs;

  /**
   * What the nodes know each other by, and make TURN credentials with: 32 characters or more.
   *
   * @default - a generated one
   */
  readonly clusterSecret?: pulumi.Input<string>;

  /**
   * For how many days an own vault, and its secrets, can be brought back once they are deleted: 7 to 90.
   * Chosen once: Azure takes no other value for a vault that stands.
   *
   * @default 7
   */
  readonly softDeleteDays?: number;
}

/** A secret that is put into the vault. @internal */
export interface NewSecret {
  readonly secretName: string;
  readonly value: pulumi.Input<string>;
  readonly contentType: string;
}

/** Arguments of the secrets of a cluster. */
export interface ClusterSecretsArgs extends PlaceArgs, ClusterSecretsOptions {}

/**
 * The secrets of a cluster, in a Key Vault. Machines read them at boot by their identity; they are in
 * no custom data, no output in clear and no log.
 */
export class ClusterSecrets extends pulumi.ComponentResource {
  /** Id of the vault. */
  public readonly vaultId: pulumi.Output<string>;
  /** The vault, such as `https://meet-a1b2c3d4.vault.azure.net`. */
  public readonly vaultUri: pulumi.Output<string>;
  /** The key pair of applications: JSON with `key` and `secret`. */
  public readonly apiKey: StoredSecret;
  /** What the nodes know each other by, and make TURN credentials with. */
  public readonly clusterSecret: StoredSecret;
  /** The vault, where it is made here. */
  public readonly vault?: keyvault.Vault;
  readonly #vaultName: pulumi.Output<string>;
  readonly #resourceGroupName: pulumi.Input<string>;
  readonly #prefix: string;

  constructor(name: string, args: ClusterSecretsArgs, opts?: pulumi.ComponentResourceOptions) {
    super('sluice:azure:ClusterSecrets', name, {}, opts);
    const { existingVault, softDeleteDays = 7 } = args;
    const problems = new Problems(name);
    problems.integer('softDeleteDays', softDeleteDays, { min: 7, max: 90 });
    problems.atMostOne({ existingVault, softDeleteDays: args.softDeleteDays });
    this.#prefix = existingVault ? (existingVault.secretPrefix ?? `${plainName(name, 40)}-`) : '';
    problems.matches(
      'existingVault.secretPrefix',
      this.#prefix,
      /^[A-Za-z0-9-]{0,60}$/,
      'up to 60 letters, digits and hyphens',
    );
    problems.throwIfAny();
    if (existingVault) {
      this.vaultId = checkedText(
        'existingVault.vaultId',
        existingVault.vaultId,
        VAULT_ID,
        'the id of a vault, /subscriptions/…/vaults/NAME',
      );
      this.#vaultName = this.vaultId.apply((id) => VAULT_ID.exec(id)?.[2] ?? '');
      this.#resourceGroupName = this.vaultId.apply((id) => VAULT_ID.exec(id)?.[1] ?? '');
    } else {
      const suffix = nameSuffix(name, { parent: this });
      // Of one's own in all of Azure, also beside those that were deleted and can be brought back.
      this.#vaultName = pulumi.interpolate`${plainName(name, 15)}-${suffix}`;
      this.#resourceGroupName = args.resourceGroupName;
      const { tenantId } = authorization.getClientConfigOutput({ parent: this });
      this.vault = new keyvault.Vault(
        `${name}-vault`,
        {
          ...placed(args),
          vaultName: this.#vaultName,
          properties: {
            tenantId,
            sku: { family: keyvault.SkuFamily.A, name: keyvault.SkuName.Standard },
            enableRbacAuthorization: true,
            enableSoftDelete: true,
            softDeleteRetentionInDays: softDeleteDays,
          },
        },
        { parent: this },
      );
      this.vaultId = this.vault.id;
    }
    this.vaultUri = pulumi.interpolate`https://${this.#vaultName}.vault.azure.net`;
    this.apiKey = this.store(`${name}-api-key-secret`, {
      secretName: 'api-key',
      value: this.#apiKey(name, args),
      contentType: 'application/json',
    });
    const value =
      args.clusterSecret === undefined
        ? letters(`${name}-cluster`, this)
        : checkedSecret('clusterSecret', args.clusterSecret, SHORTEST_CLUSTER_SECRET);
    this.clusterSecret = this.store(`${name}-cluster-secret`, {
      secretName: 'cluster-secret',
      value,
      contentType: 'text/plain',
    });
    this.registerOutputs({ vaultUri: this.vaultUri });
  }

  /**
   * Puts a secret into the vault.
   *
   * @internal
   * @param name Of the resource.
   */
  store(name: string, secret: NewSecret, parent: pulumi.Resource = this): StoredSecret {
    const secretName = `${this.#prefix}${secret.secretName}`;
    const resource = new keyvault.Secret(
      name,
      {
        resourceGroupName: this.#resourceGroupName,
        vaultName: this.#vaultName,
        secretName,
        properties: { value: pulumi.secret(secret.value), contentType: secret.contentType },
      },
      { parent },
    );
    // By way of the resource, so that whoever names the secret waits for it.
    const named = resource.id.apply(() => secretName);
    return { vaultUri: this.vaultUri, vaultId: this.vaultId, secretName: named };
  }

  #apiKey(name: string, { apiKey }: ClusterSecretsArgs): pulumi.Output<string> {
    const key = apiKey
      ? checkedText(
          'apiKey.key',
          apiKey.key,
          /^[\w-]{1,128}$/,
          'up to 128 letters, digits, - and _',
        )
      : new random.RandomString(
          `${name}-api-key`,
          { length: 13, special: false, upper: false },
          { parent: this },
        ).result.apply((end) => `API${end}`);
    const secret = apiKey
      ? checkedSecret('apiKey.secret', apiKey.secret, 32)
      : letters(`${name}-api-secret`, this);
    return pulumi.secret(pulumi.jsonStringify({ key, secret }));
  }
}

/** What YAML, shells and Redis take as it is. 48 of 62 characters are more than 256 bits. @internal */
export function letters(name: string, parent: pulumi.Resource): pulumi.Output<string> {
  return new random.RandomPassword(name, { length: 48, special: false }, { parent }).result;
}

const VAULT_ID =
  /^\/subscriptions\/[^/]+\/resourceGroups\/([^/]+)\/providers\/Microsoft\.KeyVault\/vaults\/([^/]+)$/i;
