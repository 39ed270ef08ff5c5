import type { Logger } from 'pino';
import type { AwsGroup } from '../cloud/aws/aws-group';
import { Controller } from '../cluster/controller';
import { Leadership } from '../cluster/leadership';
import { SocketGroup } from '../cluster/local-group-client';
import type { NodeGroup } from '../cluster/node-group';
import { SharedConfig } from '../cluster/shared-config';
import type { SluiceConfig } from '../contract';
import type { JobReaper } from '../jobs/job-reaper';
import type { Closers } from './closers';
import type { ClusterParts } from './cluster-parts';
import { provisionedGroup } from './provisioned-group';

/** Lets a Master Node decide for the cluster, while it is the one that leads. */
export async function startController(options: {
  readonly config: SluiceConfig;
  readonly nodeId: string;
  readonly parts: ClusterParts;
  /** Knows how many jobs wait for a node. */
  readonly reaper: Pick<JobReaper, 'waitingCpus'>;
  readonly log: Logger;
  readonly closers: Closers;
}): Promise<Controller> {
  const { config, nodeId, parts, reaper, log, closers } = options;
  const { registry, watch } = parts;
  const leadership = new Leadership({ registry, nodeId, log });
  closers.add(() => leadership.close());
  const aws = await awsOf(config, log);
  const controller = new Controller({
    nodeId,
    registry,
    watch,
    leadership,
    group: aws?.group ?? provisionedGroup(options) ?? (await groupOf(config, log)),
    sharedConfig: new SharedConfig({ registry, log }),
    settings: config.sluice,
    waitingCpus: () => reaper.waitingCpus,
    log,
  });
  closers.add(() => controller.close());
  if (aws !== undefined) {
    // Closed before the controller, which closes the group.
    const desk = aws.desk({ nodeId, registry, leadership, drain: config.sluice.drain });
    closers.add(() => desk.close());
  }
  await leadership.renew();
  controller.start();
  return controller;
}

/** The SDK of AWS is loaded only where it is needed. */
async function awsOf({ sluice }: SluiceConfig, log: Logger): Promise<AwsGroup | undefined> {
  if (sluice.scaling.group !== 'aws') {
    return undefined;
  }
  const { awsGroup } = await import('../cloud/aws/aws-group.js');
  return awsGroup({ cloud: sluice.cloud, log });
}

async function groupOf({ sluice }: SluiceConfig, log: Logger): Promise<NodeGroup | undefined> {
  const { group, group_socket } = sluice.scaling;
  if (group === 'azure') {
    // The same of Azure's.
    const { AzureGroup } = await import('../cloud/azure/azure-group.js');
    return new AzureGroup({ cloud: sluice.cloud, log });
  }
  return group === 'local' ? new SocketGroup({ socket: group_socket }) : undefined;
}
