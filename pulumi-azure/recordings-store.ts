import * as managedidentity from '@pulumi/azure-native/managedidentity';
import * as storage from '@pulumi/azure-native/storage';
import * as pulumi from '@pulumi/pulumi';
import type { PlaceArgs } from './place';
import { Grants } from './private/grants';
import { compactName, nameSuffix } from './private/names';
import { placed } from './private/placed';
import { checkRecordings, keyVaultUriOf } from './private/recordings-checks';
import { Problems } from './private/validation';

/** How many copies Azure keeps: of one building, of several zones, or also of another region. */
export type Redundancy = 'LRS' | 'ZRS' | 'GRS' | 'GZRS';

/** A key of yours in a Key Vault with purge protection, which grants by roles (RBAC). */
export interface RecordingKey {
  /** Id of the vault, /subscriptions/…/vaults/NAME. */
  readonly vaultId: pulumi.Input<string>;

  /** Its name; the newest version is used. */
  readonly keyName: string;
}

/** Choices for where recordings are kept. */
export interface RecordingsOptions {
  /**
   * Recordings are deleted so many days after they were last written, 1 to 36500.
   *
   * @default - never
   */
  readonly retentionDays?: number;

  /**
   * For how many days what is deleted can be brought back, 1 to 365; it costs as much as before. The
   * pieces of a recording, which are deleted once it is whole, count too: it costs double for so long.
   *
   * @default 7
   */
  readonly softDeleteDays?: number;

  /**
   * A key of yours that recordings are encrypted with.
   *
   * @default - keys of Azure, at no cost
   */
  readonly encryptionKey?: RecordingKey;

  /**
   * How many copies Azure keeps. ZRS outlives the loss of a zone, as the cluster does, for about 0.023 USD a
   * GB and month; LRS costs about 0.019.
   *
   * @default ZRS; LRS in a cluster whose Media Nodes are in no zones
   */
  readonly redundancy?: Redundancy;

  /**
   * Keep it when the stack is deleted. In a cluster that makes its resource group it has one of its own,
   * which is kept too.
   *
   * @default true
   */
  readonly retain?: boolean;
}

/** Arguments of a store of recordings. */
export interface RecordingsStoreArgs extends PlaceArgs, RecordingsOptions {}

const CONTAINER = 'recordings';

/**
 * A container of Azure Blob Storage for recordings, in an account of its own: without public access,
 * without keys (only identities with a role get in), encrypted, by TLS 1.2 and newer. Costs about 0.023
 * USD a GB and month, and 0.07 USD for 10000 writes.
 */
export class RecordingsStore extends pulumi.ComponentResource {
  /** The storage account. */
  public readonly account: storage.StorageAccount;
  /** Its name. */
  public readonly accountName: pulumi.Output<string>;
  /** The name of the container. */
  public readonly containerName: pulumi.Output<string>;
  /** Its id, for roles of whoever reads recordings, such as Storage Blob Data Reader. */
  public readonly containerId: pulumi.Output<string>;

  constructor(name: string, args: RecordingsStoreArgs, opts?: pulumi.ComponentResourceOptions) {
    super('sluice:azure:RecordingsStore', name, {}, opts);
    const problems = new Problems(name);
    checkRecordings(args, problems);
    problems.throwIfAny();
    const { resourceGroupName, redundancy = 'ZRS', softDeleteDays = 7, retain = true } = args;
    const kept = { parent: this, retainOnDelete: retain };
    const key = args.encryptionKey && this.#key(name, args, args.encryptionKey, kept);
    this.account = new storage.StorageAccount(
      `${name}-account`,
      {
        ...placed(args),
        accountName: pulumi.interpolate`${compactName(name, 15)}${nameSuffix(name, { parent: this })}`,
        kind: storage.Kind.StorageV2,
        sku: { name: `Standard_${redundancy}` },
        allowBlobPublicAccess: false,
        allowCrossTenantReplication: false,
        // Whoever has a role gets in, and nobody by a key or what is signed with one.
        allowSharedKeyAccess: false,
        defaultToOAuthAuthentication: true,
        enableHttpsTrafficOnly: true,
        minimumTlsVersion: storage.MinimumTlsVersion.TLS1_2,
        ...(key?.identity && { identity: key.identity }),
        encryption: {
          keySource: storage.KeySource.Microsoft_Storage,
          services: { blob: { enabled: true, keyType: storage.KeyType.Account } },
          ...key?.encryption,
        },
      },
      { ...kept, dependsOn: key?.granted ?? [] },
    );
    this.accountName = this.account.name;
    const place = { resourceGroupName, accountName: this.accountName };
    const deleted = { enabled: true, days: softDeleteDays };
    new storage.BlobServiceProperties(
      `${name}-service`,
      {
        ...place,
        // Azure knows no other name.
        blobServicesName: 'default',
        deleteRetentionPolicy: deleted,
        containerDeleteRetentionPolicy: deleted,
      },
      kept,
    );
    const container = new storage.BlobContainer(
      `${name}-container`,
      { ...place, containerName: CONTAINER, publicAccess: storage.PublicAccess.None },
      kept,
    );
    this.containerName = container.name;
    this.containerId = container.id;
    if (args.retentionDays !== undefined) this.#retention(name, place, args.retentionDays, kept);
    this.registerOutputs({ containerId: this.containerId });
  }

  #retention(
    name: string,
    place: { resourceGroupName: pulumi.Input<string>; accountName: pulumi.Input<string> },
    days: number,
    opts: pulumi.CustomResourceOptions,
  ): void {
    new storage.ManagementPolicy(
      `${name}-retention`,
      {
        ...place,
        managementPolicyName: 'default',
        policy: {
          rules: [
            {
              name: 'retention',
              enabled: true,
              type: storage.RuleType.Lifecycle,
              definition: {
                filters: { blobTypes: ['blockBlob'], prefixMatch: [`${CONTAINER}/`] },
                actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: days } } },
              },
            },
          ],
        },
      },
      opts,
    );
  }

  /** An identity that may use the key, and nothing else of the vault. */
  #key(
    name: string,
    args: PlaceArgs,
    { vaultId, keyName }: RecordingKey,
    opts: pulumi.CustomResourceOptions,
  ) {
    const identity = new managedidentity.UserAssignedIdentity(
      `${name}-key-identity`,
      placed(args),
      opts,
    );
    const grants = new Grants(name, identity, this, opts);
    grants.key(vaultId, keyName);
    return {
      granted: grants.made,
      identity: {
        type: storage.IdentityType.UserAssigned,
        userAssignedIdentities: [identity.id],
      },
      encryption: {
        keySource: storage.KeySource.Microsoft_Keyvault,
        keyVaultProperties: { keyName, keyVaultUri: keyVaultUriOf(vaultId) },
        encryptionIdentity: { encryptionUserAssignedIdentity: identity.id },
      },
    };
  }
}
