import type { Logger } from 'pino';
import { Controller } from '../cluster/controller';
import { Leadership } from '../cluster/leadership';
import { SocketGroup } from '../cluster/local-group-client';
import type { NodeGroup } from '../cluster/node-group';
import { SharedConfig } from '../cluster/shared-config';
import type { SluiceConfig } from '../contract';
import type { Closers } from './closers';
import type { ClusterParts } from './cluster-parts';

/** Lets a Master Node decide for the cluster, while it is the one that leads. */
export async function startController(options: {
  readonly config: SluiceConfig;
  readonly nodeId: string;
  readonly parts: ClusterParts;
  readonly log: Logger;
  readonly closers: Closers;
}): Promise<Controller> {
  const { config, nodeId, parts, log, closers } = options;
  const { registry, watch } = parts;
  const leadership = new Leadership({ registry, nodeId, log });
  closers.add(() => leadership.close());
  const controller = new Controller({
    nodeId,
    registry,
    watch,
    leadership,
    group: groupOf(config),
    sharedConfig: new SharedConfig({ registry, log }),
    settings: config.sluice,
    log,
  });
  closers.add(() => controller.close());
  await leadership.renew();
  controller.start();
  return controller;
}

function groupOf({ sluice }: SluiceConfig): NodeGroup | undefined {
  const { group, group_socket } = sluice.scaling;
  return group === 'local' ? new SocketGroup({ socket: group_socket }) : undefined;
}
