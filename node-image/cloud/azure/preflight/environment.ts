import { AzureAuthorityHosts } from '@azure/identity';

/** One of Azure's clouds: whom to ask, and who says who asks. */
export interface AzureEnvironment {
  /** Of the resource manager. */
  readonly endpoint: string;
  readonly authorityHost: string;
}

/** By the names that Pulumi's provider has for them. */
const ENVIRONMENTS: Readonly<Record<string, AzureEnvironment>> = {
  public: {
    endpoint: 'https://management.azure.com',
    authorityHost: AzureAuthorityHosts.AzurePublicCloud,
  },
  usgovernment: {
    endpoint: 'https://management.usgovcloudapi.net',
    authorityHost: AzureAuthorityHosts.AzureGovernment,
  },
  china: {
    endpoint: 'https://management.chinacloudapi.cn',
    authorityHost: AzureAuthorityHosts.AzureChina,
  },
};

/**
 * The cloud that ARM_ENVIRONMENT names, as for Pulumi's provider; the public one where it names none.
 *
 * @throws Error with a sentence for people where there is no such cloud.
 */
export function environmentOf(name: string | undefined): AzureEnvironment {
  const found = ENVIRONMENTS[(name || 'public').toLowerCase()];
  if (found !== undefined) return found;
  throw new Error(
    `ARM_ENVIRONMENT: got "${name}", allowed is ${Object.keys(ENVIRONMENTS).join(', ')}; leave it out for the public cloud`,
  );
}
