import * as authorization from '@pulumi/azure-native/authorization';
import * as pulumi from '@pulumi/pulumi';
import type { MachineIdentity } from '../machine-identity';
import type { StoredSecret } from '../stored-secret';

/** Roles that Azure has in every tenant. Source: Azure built-in roles. */
const BUILT_IN = {
  /** Key Vault Secrets User: reads the value of a secret, and nothing else. */
  readSecret: '4633458b-17de-408a-8b0c-0445c86b69e6',
  /** Storage Blob Data Reader. */
  readBlobs: '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1',
  /** Storage Blob Data Contributor: reads, writes and deletes blobs. */
  writeBlobs: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe',
  /** AcrPull: reads images, and nothing else. */
  pullImages: '7f951dda-4ed3-4680-a7ca-43fe172d538d',
  /** Key Vault Crypto Service Encryption User: wraps keys by a key, and nothing else. */
  wrapKeys: 'e147488a-f6f5-4113-8e2d-b22465e65bf6',
  /** Monitoring Metrics Publisher: what the Logs Ingestion API asks for, on a data collection rule. */
  publish: '3913510d-42f4-4e42-8a64-420c390055eb',
} as const;

/** Gives rights to the identity of machines, each at one place. */
export class Grants {
  /** All that were given: machines start after them. */
  readonly made: pulumi.Resource[] = [];
  /** Asked for once for all of them. */
  readonly #subscriptionId: pulumi.Output<string>;

  constructor(
    private readonly name: string,
    private readonly identity: MachineIdentity,
    private readonly parent: pulumi.Resource,
    private readonly opts: pulumi.CustomResourceOptions = {},
  ) {
    this.#subscriptionId = authorization.getClientConfigOutput({ parent }).subscriptionId;
  }

  /** Lets machines read one secret, and no other of the vault. */
  secret(purpose: string, { vaultId, secretName }: StoredSecret): void {
    const scope = pulumi.interpolate`${vaultId}/secrets/${secretName}`;
    this.#builtIn(`read-${purpose}`, BUILT_IN.readSecret, scope);
  }

  /** Lets machines read the blobs of a container. */
  blobs(containerId: pulumi.Input<string>): void {
    this.#builtIn('read-files', BUILT_IN.readBlobs, containerId);
  }

  /** Lets machines keep recordings in a container. */
  recordings(containerId: pulumi.Input<string>): void {
    this.#builtIn('write-recordings', BUILT_IN.writeBlobs, containerId);
  }

  /** Lets machines fetch images from a registry. */
  images(registryId: pulumi.Input<string>): void {
    this.#builtIn('pull-images', BUILT_IN.pullImages, registryId);
  }

  /** Lets a storage account encrypt by a key of a vault. */
  key(vaultId: pulumi.Input<string>, keyName: string): void {
    this.#builtIn('use-key', BUILT_IN.wrapKeys, pulumi.interpolate`${vaultId}/keys/${keyName}`);
  }

  /** Lets machines send lines by a data collection rule. */
  publish(ruleId: pulumi.Input<string>): void {
    this.#builtIn('send-logs', BUILT_IN.publish, ruleId);
  }

  /** Gives a role that was defined here. */
  role(what: string, roleDefinitionId: pulumi.Input<string>, scope: pulumi.Input<string>): void {
    this.made.push(
      new authorization.RoleAssignment(
        `${this.name}-${what}`,
        {
          principalId: this.identity.principalId,
          // Azure then asks nobody whether there is such a principal: a new one is not known everywhere.
          principalType: authorization.PrincipalType.ServicePrincipal,
          roleDefinitionId,
          scope,
        },
        // A right at another place is another assignment; two of the same do not exist.
        {
          ...this.opts,
          parent: this.parent,
          deleteBeforeReplace: true,
          // Azure lets nobody change which role was given.
          replaceOnChanges: ['roleDefinitionId'],
        },
      ),
    );
  }

  #builtIn(what: string, role: string, scope: pulumi.Input<string>): void {
    this.role(
      what,
      pulumi.interpolate`/subscriptions/${this.#subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${role}`,
      scope,
    );
  }
}
