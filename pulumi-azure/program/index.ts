/**
 * The stack that is ready: `pulumi config set sluice:domainName meet.example.com && pulumi up`. To fit a
 * cluster into a program of yours, use the components: pulumi-azure/.
 */
import { programSettings } from './settings';
import { deploy } from './stack';

const cluster = deploy(programSettings());

/** What clients and servers are given. */
export const url = cluster.url;
/** For a record that you make. */
export const address = cluster.address;
/** Where the API key is: a secret of this vault. */
export const apiKeyVault = cluster.apiKey.vaultUri;
export const apiKeySecret = cluster.apiKey.secretName;
/** The container of recordings, where there is one. */
export const recordings = cluster.recordings?.containerId;
export const resourceGroup = cluster.resourceGroupName;
