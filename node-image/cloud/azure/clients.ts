import { ComputeManagementClient } from '@azure/arm-compute';
import { ManagedIdentityCredential, type TokenCredential } from '@azure/identity';
import type { SluiceConfig } from '../../contract';

export interface AzureClientOptions {
  readonly cloud: Pick<
    SluiceConfig['sluice']['cloud'],
    'subscription' | 'identity' | 'resource_manager_url'
  >;
  /** @default - the identity of this machine */
  readonly credential?: TokenCredential | undefined;
  /** Who may sign for the resource manager beside those that Node.js knows, PEM. @default - nobody */
  readonly ca?: string | undefined;
}

/**
 * The identity that Azure gives this machine.
 *
 * @param clientId - of the user-assigned identity; '': the only one of the machine
 */
export const machineIdentity = (clientId: string): ManagedIdentityCredential =>
  clientId === '' ? new ManagedIdentityCredential() : new ManagedIdentityCredential({ clientId });

/** What the cluster asks of Azure's resource manager. Nothing is tried again by the client itself. */
export function azureCompute({
  cloud,
  credential,
  ca,
}: AzureClientOptions): ComputeManagementClient {
  const { subscription, identity, resource_manager_url: endpoint } = cloud;
  return new ComputeManagementClient(credential ?? machineIdentity(identity), subscription, {
    endpoint,
    // Each of Azure's clouds takes tokens for its own resource manager only.
    credentials: { scopes: [`${endpoint.replace(/\/$/, '')}/.default`] },
    // A Retry-After may be minutes: whoever asks goes on meanwhile, and asks again.
    retryOptions: { maxRetries: 0 },
    ...(ca === undefined ? {} : { tlsOptions: { ca } }),
  });
}
