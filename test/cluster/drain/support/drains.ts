import { RoomServiceClient } from 'livekit-server-sdk';
import type { NodeView } from '../../../../node-image/cluster/admin-views';
import type { ClusterNode, TestCluster } from '../../../support/cluster';
import { until } from '../../../support/wait';

/** The server API of a cluster. */
export const apiOf = ({ httpUrl, apiKey, apiSecret }: TestCluster): RoomServiceClient =>
  new RoomServiceClient(httpUrl, apiKey, apiSecret);

/** What the admin API says of a node; undefined: there is no such node any more. */
export async function viewOf(
  cluster: TestCluster,
  { nodeId }: Pick<ClusterNode, 'nodeId'>,
): Promise<NodeView | undefined> {
  const { nodes } = await cluster.admin().nodes();
  return nodes.find(({ id }) => id === nodeId);
}

/** Waits until a node is in a state, by the admin API. */
export async function untilState(
  cluster: TestCluster,
  node: ClusterNode,
  state: NodeView['state'],
  timeoutMs = 30_000,
): Promise<NodeView> {
  let last: NodeView | undefined;
  const found = await until(
    `${node.name} to be ${state}`,
    async () => {
      last = await viewOf(cluster, node);
      return last?.record.state === state ? last : undefined;
    },
    { timeoutMs, intervalMs: 100, explain: () => JSON.stringify(last) },
  );
  // `until` answers with what is truthy.
  return found as NodeView;
}

/** Waits until a record has been reached by a condition. */
export async function untilView(
  cluster: TestCluster,
  node: ClusterNode,
  what: string,
  fits: (view: NodeView) => boolean,
  timeoutMs = 15_000,
): Promise<NodeView> {
  let last: NodeView | undefined;
  const found = await until(
    what,
    async () => {
      last = await viewOf(cluster, node);
      return last !== undefined && fits(last) ? last : undefined;
    },
    { timeoutMs, intervalMs: 100, explain: () => JSON.stringify(last) },
  );
  return found as NodeView;
}

/** Closes all of them, in order, whatever becomes of the others. @throws AggregateError */
export async function closeAll(
  ...all: readonly ({ close(): Promise<void> } | undefined)[]
): Promise<void> {
  const errors: unknown[] = [];
  for (const one of all) await one?.close().catch((error: unknown) => errors.push(error));
  if (errors.length > 0) throw new AggregateError(errors, errors.map(String).join('; '));
}
