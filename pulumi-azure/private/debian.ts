import type { NodeArchitecture } from '../node-architecture';

/** Debian 12 of the marketplace: free, without a plan to accept. */
export function debianImage(architecture: NodeArchitecture) {
  return {
    publisher: 'Debian',
    offer: 'debian-12',
    sku: architecture === 'arm64' ? '12-arm64' : '12-gen2',
    version: 'latest',
  };
}
