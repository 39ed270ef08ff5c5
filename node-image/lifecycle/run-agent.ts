import type { Logger } from 'pino';
import { readBootFile } from '../cloud/agent/boot-file';
import { EndingWatch } from '../cloud/agent/ending-watch';
import { becomeReady, type ReadinessListener } from '../cloud/agent/readiness';
import { emptyForWarmPool, isForWarmPool } from '../cloud/agent/warm-pool';
import { regionOf } from '../cloud/aws/aws-group';
import { type AwsClients, awsClients } from '../cloud/aws/clients';
import { DeploymentSignal } from '../cloud/aws/deployment-signal';
import { InstanceMetadata } from '../cloud/aws/instance-metadata';
import { LifecycleHook } from '../cloud/aws/lifecycle-hook';
import type { SluiceConfig } from '../contract';
import { createLog } from '../telemetry/log';
import { callThroughNode, isNodeAlive } from './agent-call';
import { announcedConfig } from './announced-config';
import { Closers } from './closers';
import { type ClusterParts, joinCluster } from './cluster-parts';
import type { LoadConfigOptions } from './config';
import { readyCall } from './ready-call';
import { shipJournal } from './ship-journal';

/** The end of a machine does not wait longer for its last lines, ms. */
const LAST_LINES_MS = 5000;

export interface AgentOptions {
  readonly config: SluiceConfig;
  readonly load: LoadConfigOptions;
  /** What the deployment has written for the start of the machine. */
  readonly bootFile: string;
  /** Where the agent keeps what it has to know when it is started again. */
  readonly stateFolder: string;
  /** A node through which no call works by then has failed, ms. */
  readonly readyWithinMs: number;
  /** Ends the agent. What it has begun goes on with the next one. */
  readonly signal: AbortSignal;
  /** @default - as the SDK of AWS finds them */
  readonly clients?: AwsClients | undefined;
  readonly log?: Logger | undefined;
}

/**
 * Runs beside a node on a machine of a cloud, until it is told to stop: tells the cloud whether the
 * node serves, and prepares the end of the machine when the cloud announces it.
 *
 * @throws MetadataError, AzureMetadataError, Error with a sentence for people where it cannot begin.
 */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { load, bootFile, stateFolder, signal } = options;
  const { cloud, machine_id, role } = options.config.sluice;
  if (cloud.kind === 'azure') {
    const { runAzureAgent } = await import('./run-azure-agent.js');
    return runAzureAgent(options);
  }
  const metadata = new InstanceMetadata({ url: cloud.metadata_url });
  const machineId = machine_id || (await metadata.instanceId());
  const log =
    options.log ??
    createLog({
      logging: options.config.logging,
      fields: { component: 'agent', machine_id: machineId },
    });
  const closers = new Closers(log);
  try {
    const clients = options.clients ?? awsClients({ region: await regionOf(cloud.metadata_url) });
    closers.add(() => clients.close());
    const { metadata_url: metadataUrl } = cloud;
    const journal = await shipJournal({ bootFile, stateFolder, machineId, metadataUrl, log });
    closers.add(() => journal?.close());
    let config = options.config;
    let parts: ClusterParts | undefined;
    if (role !== 'single') {
      parts = await joinCluster(config, log, closers);
      const { registry, keys } = parts;
      config = (await announcedConfig({ config, load, log, registry, keys })).config;
      await parts.watch.start();
    }
    const hook = (name: string): LifecycleHook =>
      new LifecycleHook({ client: clients.autoScaling, group: cloud.media_group, hook: name });
    if (parts !== undefined && role === 'media' && cloud.media_group !== '') {
      const watch = new EndingWatch({
        machineId,
        notices: metadata,
        hook: hook(cloud.terminating_hook),
        registry: parts.registry,
        drain: config.sluice.drain,
        isNodeAlive: () => isNodeAlive(config),
        beforeEnd: async () => void (await journal?.flush(LAST_LINES_MS)),
        log,
      });
      closers.add(() => watch.close());
      await watch.look();
    }
    const listeners: ReadinessListener[] = [];
    if (role === 'media' && cloud.media_group !== '') {
      listeners.push(
        launchingHook({ hook: hook(cloud.launching_hook), machineId, metadata, parts }),
      );
    }
    const boot = await readBootFile(bootFile);
    const { signal: wanted } = boot;
    if (wanted !== undefined) {
      const deployment = new DeploymentSignal({ client: clients.cloudFormation, ...wanted });
      const tell = (failure?: string) => deployment.send(machineId, failure);
      listeners.push({ name: `stack ${wanted.stack}`, tell });
    }
    await becomeReady({
      call: () => readyCall({ boot, call: () => callThroughNode({ config, machineId, parts }) }),
      listeners,
      withinMs: options.readyWithinMs,
      log,
      signal,
    });
    await aborted(signal);
  } finally {
    await closers.close();
  }
}

const launchingHook = (options: {
  readonly hook: LifecycleHook;
  readonly machineId: string;
  readonly metadata: InstanceMetadata;
  readonly parts: ClusterParts | undefined;
}): ReadinessListener => ({
  name: 'launching hook',
  tell: async (failure) => {
    const { hook, machineId, metadata, parts } = options;
    if (failure !== undefined) return hook.complete(machineId, 'ABANDON');
    const isWarm = isForWarmPool(await metadata.targetLifecycleState());
    if (isWarm && parts !== undefined && !(await emptyForWarmPool(parts.registry, machineId))) {
      throw new Error('the node is not empty yet, and its machine is to wait in the warm pool');
    }
    return hook.complete(machineId, 'CONTINUE');
  },
});

const aborted = (signal: AbortSignal): Promise<void> =>
  signal.aborted
    ? Promise.resolve()
    : new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
