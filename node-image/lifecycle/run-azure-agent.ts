import { readBootFile } from '../cloud/agent/boot-file';
import { becomeReady } from '../cloud/agent/readiness';
import { EventWatch } from '../cloud/azure/event-watch';
import { AzureMetadata } from '../cloud/azure/instance-metadata';
import { ScheduledEvents } from '../cloud/azure/scheduled-events';
import { createLog } from '../telemetry/log';
import { callThroughNode, isNodeAlive } from './agent-call';
import { announcedConfig } from './announced-config';
import { Closers } from './closers';
import { type ClusterParts, joinCluster } from './cluster-parts';
import { readyCall } from './ready-call';
import { readyFile } from './ready-file';
import type { AgentOptions } from './run-agent';
import { shipAzureJournal } from './ship-azure-journal';

/** The end of a machine does not wait longer for its last lines, ms. */
const LAST_LINES_MS = 5000;

/**
 * Runs beside a node on a machine of Azure, until it is told to stop: says on the machine whether the
 * node serves, and prepares what Azure announces for the machine.
 *
 * @throws AzureMetadataError, Error with a sentence for people where it cannot begin.
 */
export async function runAzureAgent(options: AgentOptions): Promise<void> {
  const { load, bootFile, stateFolder, signal } = options;
  const { cloud, machine_id, role } = options.config.sluice;
  const url = cloud.metadata_url;
  const machineId = machine_id || (await new AzureMetadata({ url }).instance()).name;
  const fields = { component: 'agent', machine_id: machineId };
  const log = options.log ?? createLog({ logging: options.config.logging, fields });
  const closers = new Closers(log);
  try {
    const journal = await shipAzureJournal({ bootFile, stateFolder, machineId, log });
    closers.add(() => journal?.close());
    let config = options.config;
    let parts: ClusterParts | undefined;
    if (role !== 'single') {
      parts = await joinCluster(config, log, closers);
      const { registry, keys } = parts;
      config = (await announcedConfig({ config, load, log, registry, keys })).config;
      await parts.watch.start();
    }
    if (parts !== undefined && role === 'media') {
      const events = new ScheduledEvents({ url });
      closers.add(() => events.close());
      const watch = new EventWatch({
        machineId,
        events,
        registry: parts.registry,
        drain: config.sluice.drain,
        isNodeAlive: () => isNodeAlive(config),
        beforeEnd: async () => void (await journal?.flush(LAST_LINES_MS)),
        log,
      });
      closers.add(() => watch.close());
      // Not waited for: the first answer may take minutes.
      void watch.look();
    }
    const boot = await readBootFile(bootFile);
    await becomeReady({
      call: () => readyCall({ boot, call: () => callThroughNode({ config, machineId, parts }) }),
      listeners: [await readyFile(stateFolder)],
      withinMs: options.readyWithinMs,
      log,
      signal,
    });
    if (!signal.aborted) {
      await new Promise<void>((resolve) =>
        signal.addEventListener('abort', () => resolve(), { once: true }),
      );
    }
  } finally {
    await closers.close();
  }
}
