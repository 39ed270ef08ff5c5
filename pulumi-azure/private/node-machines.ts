import { Buffer } from 'node:buffer';
import * as compute from '@pulumi/azure-native/compute';
import * as pulumi from '@pulumi/pulumi';
import * as random from '@pulumi/random';
import type { BoundJobs } from '../jobs';
import type { LogGroup } from '../log-group';
import type { MachineIdentity } from '../machine-identity';
import { architectureOf, type NodeArchitecture, type NodeRole } from '../node-architecture';
import type { NodeConfig, NodeSecrets } from '../node-config';
import type { PlaceArgs } from '../place';
import { Grants } from './grants';
import type { BoundImage } from './image-binding';
import { installFromFiles } from './node-files';
import { publicKeyOf } from './ssh-key';
import {
  type BootFile,
  customData,
  MAX_CUSTOM_DATA_BYTES,
  readyCommand,
  renderUserData,
} from './user-data';

/** What machines of any role are made with. */
export interface NodeMachinesArgs extends PlaceArgs {
  readonly role: NodeRole;
  readonly vmSize: string;
  readonly architecture: NodeArchitecture | undefined;
  readonly image: BoundImage;
  readonly config: NodeConfig;
  readonly secrets: NodeSecrets;
  readonly identity: MachineIdentity;
  readonly diskSizeGib: number;
  readonly encryptionAtHost: boolean | undefined;
  readonly sshPublicKey: pulumi.Input<string> | undefined;
  readonly creationTimeoutMinutes: number;
  /** Undefined: the journal stays on the machines. */
  readonly logGroup?: LogGroup | undefined;
  /** Undefined: they run none. */
  readonly jobs?: BoundJobs | undefined;
  readonly boot?: Pick<BootFile, 'data_volume' | 'redis' | 'entry'>;
}

/** Who logs in where somebody has a key. */
const ADMIN = 'sluice';

/** What virtual machines and scale sets of a role have in common: identity, boot, disk, readiness. */
export class NodeMachines extends pulumi.ComponentResource {
  readonly identity: MachineIdentity;
  readonly grants: Grants;
  readonly customData: pulumi.Output<string>;
  readonly #args: NodeMachinesArgs;
  readonly #sshKey: pulumi.Input<string>;

  constructor(name: string, args: NodeMachinesArgs, opts?: pulumi.ComponentResourceOptions) {
    super('sluice:azure:NodeMachines', name, {}, opts);
    this.#args = args;
    this.identity = args.identity;
    this.grants = new Grants(name, this.identity, this);
    const { config, secrets, image } = args;
    this.grants.secret('config', config.secret);
    const named = purposes(secrets, args.jobs);
    for (const [purpose, secret] of named) this.grants.secret(purpose.replaceAll('_', '-'), secret);
    if (image.files) this.grants.blobs(image.files.containerId);
    if (args.logGroup) this.grants.publish(args.logGroup.ruleId);
    if (args.jobs?.recordings) this.grants.recordings(args.jobs.recordings.containerId);
    if (args.jobs?.registryId !== undefined) this.grants.images(args.jobs.registryId);
    this.#sshKey =
      args.sshPublicKey ??
      pulumi.unsecret(
        new random.RandomBytes(`${name}-ssh`, { length: 32 }, { parent: this }).base64.apply(
          publicKeyOf,
        ),
      );
    this.customData = this.#customData(named);
    this.registerOutputs({});
  }

  /** Of a virtual machine; of a scale set but for the names of its machines. */
  get osProfile() {
    return {
      adminUsername: ADMIN,
      customData: this.customData,
      linuxConfiguration: {
        disablePasswordAuthentication: true,
        provisionVMAgent: true,
        ssh: {
          publicKeys: [{ keyData: this.#sshKey, path: `/home/${ADMIN}/.ssh/authorized_keys` }],
        },
      },
    };
  }

  get imageReference() {
    const { image, architecture, vmSize } = this.#args;
    return image.reference(architecture ?? architectureOf(vmSize));
  }

  get osDisk() {
    return {
      createOption: compute.DiskCreateOptionTypes.FromImage,
      caching: compute.CachingTypes.ReadOnly,
      diskSizeGB: this.#args.diskSizeGib,
      managedDisk: { storageAccountType: compute.StorageAccountTypes.Premium_LRS },
      deleteOption: compute.DiskDeleteOptionTypes.Delete,
    };
  }

  /** Undefined where nothing was chosen. */
  get securityProfile() {
    const { encryptionAtHost } = this.#args;
    return encryptionAtHost === undefined ? undefined : { encryptionAtHost };
  }

  get identityOfMachine() {
    return { userAssignedIdentities: [this.identity.id] };
  }

  /** Makes the creation of a machine last until a call through it works. */
  get readiness() {
    return {
      publisher: 'Microsoft.Azure.Extensions',
      type: 'CustomScript',
      typeHandlerVersion: '2.1',
      autoUpgradeMinorVersion: true,
      settings: { commandToExecute: readyCommand(this.#args.creationTimeoutMinutes) },
    };
  }

  #customData(named: readonly (readonly [string, StoredSecretLike])[]): pulumi.Output<string> {
    const { role, config, image, boot, sshPublicKey, logGroup, jobs } = this.#args;
    return pulumi
      .all([
        config.secret.vaultUri,
        config.secret.secretName,
        config.revision,
        this.identity.clientId,
        image.files?.url,
        pulumi.all(named.map(([, { vaultUri, secretName }]) => pulumi.all([vaultUri, secretName]))),
        logGroup?._target,
      ])
      .apply(([vault, secret, revision, identity, files, where, logs]) => {
        const file: BootFile = {
          cloud: 'azure',
          role,
          vault,
          identity,
          config: { secret, revision },
          secrets: Object.fromEntries(
            where.map(([uri, secretName], index) => [
              named[index]?.[0] ?? '',
              uri === vault ? secretName : `${uri}/secrets/${secretName}`,
            ]),
          ),
          ...(logs && { log_ingestion: logs }),
          ...boot,
        };
        const options = jobs?.installOptions ?? [];
        const install = files === undefined ? [] : installFromFiles(files, identity, options);
        const data = customData(renderUserData(file, install, sshPublicKey !== undefined));
        if (Buffer.byteLength(data) > MAX_CUSTOM_DATA_BYTES) {
          throw new pulumi.RunError(
            `custom data: got ${data.length} bytes, allowed is up to ${MAX_CUSTOM_DATA_BYTES}; give shorter names`,
          );
        }
        return data;
      });
  }
}

type StoredSecretLike = NonNullable<NodeSecrets[keyof NodeSecrets]>;

/** By the names that boot.json has for them. */
function purposes(
  secrets: NodeSecrets,
  jobs: BoundJobs | undefined,
): (readonly [string, StoredSecretLike])[] {
  const { apiKey, cluster, turn, redis, certificate } = secrets;
  const registry = jobs?.registrySecret;
  return Object.entries({ api_key: apiKey, cluster, turn, redis, certificate, registry }).flatMap(
    ([purpose, secret]) => (secret === undefined ? [] : [[purpose, secret] as const]),
  );
}
