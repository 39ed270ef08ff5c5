import type { Logger } from 'pino';
import type { SluiceConfig } from '../../contract';
import { NoticeDesk, type NoticeDeskOptions } from '../notice-desk';
import { AutoScalingGroup } from './auto-scaling-group';
import { type AwsClients, awsClients } from './clients';
import { InstanceMetadata } from './instance-metadata';
import { LifecycleHook } from './lifecycle-hook';
import { SqsNotices } from './sqs-notices';

export interface AwsGroupOptions {
  readonly cloud: SluiceConfig['sluice']['cloud'];
  readonly log: Logger;
  /** @default - as the SDK of AWS finds them; the region is that of this machine */
  readonly clients?: AwsClients | undefined;
}

/** The group of Media Nodes on AWS, and who answers what AWS says of its machines. */
export interface AwsGroup {
  /** Closing it closes the clients. */
  readonly group: AutoScalingGroup;
  /** Begins at once; to be closed before the group. */
  desk(
    options: Pick<NoticeDeskOptions, 'nodeId' | 'registry' | 'leadership' | 'drain' | 'intervalMs'>,
  ): NoticeDesk;
}

export async function awsGroup({ cloud, log, clients: given }: AwsGroupOptions): Promise<AwsGroup> {
  const clients = given ?? awsClients({ region: await regionOf(cloud.metadata_url) });
  const { autoScaling, ec2, sqs } = clients;
  const group = new AutoScalingGroup({
    autoScaling,
    ec2,
    name: cloud.media_group,
    log,
    onClose: () => clients.close(),
  });
  const hook = new LifecycleHook({
    client: autoScaling,
    group: cloud.media_group,
    hook: cloud.terminating_hook,
  });
  const url = cloud.notices_queue;
  const queue = url === '' ? undefined : new SqsNotices({ client: sqs, url });
  return {
    group,
    desk: (options) => new NoticeDesk({ ...options, machines: group, hook, queue, log }),
  };
}

/**
 * Where AWS_REGION says it, or this machine itself. Otherwise it is left to the SDK, which may know
 * it from its own configuration, and says so where it does not.
 */
export async function regionOf(metadataUrl: string): Promise<string | undefined> {
  const given = process.env['AWS_REGION'];
  if (given !== undefined && given !== '') return given;
  return new InstanceMetadata({ url: metadataUrl }).region().catch(() => undefined);
}
