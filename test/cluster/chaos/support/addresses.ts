import type { LinkAddress } from '../../../../node-image/cluster/node-record';
import type { ClusterNode, TestCluster } from '../../../support/cluster';

/** What the configuration of a node of a test cluster says of where it listens. */
interface Listens {
  readonly prometheus: { readonly port: number };
  readonly sluice: {
    readonly node_link?: { readonly address: string; readonly port: number };
  };
}

const listensAt = ({ config }: ClusterNode): Listens => config as unknown as Listens;

/** Where the others reach a Media Node; undefined of a master. */
export function linkOf(node: ClusterNode): LinkAddress | undefined {
  const link = listensAt(node).sluice.node_link;
  return link && { host: link.address, port: link.port };
}

export function metricsUrlOf(node: ClusterNode): string {
  const url = new URL(node.httpUrl);
  url.port = `${listensAt(node).prometheus.port}`;
  url.pathname = '/metrics';
  return url.href;
}

export const nodesOf = ({ masters, mediaNodes }: TestCluster): readonly ClusterNode[] => [
  ...masters,
  ...mediaNodes,
];
