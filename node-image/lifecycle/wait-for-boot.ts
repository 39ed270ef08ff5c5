import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { readBootFile } from '../cloud/agent/boot-file';
import { type ReadinessListener, tell } from '../cloud/agent/readiness';
import { regionOf } from '../cloud/aws/aws-group';
import { type AwsClients, awsClients } from '../cloud/aws/clients';
import { DeploymentSignal } from '../cloud/aws/deployment-signal';
import { InstanceMetadata } from '../cloud/aws/instance-metadata';
import { AWS_METADATA_URL, configSchema } from '../contract';
import { createLog } from '../telemetry/log';
import { readBootStatus } from './boot/boot-status';
import { shipJournal } from './ship-journal';

/** A boot that has failed is tried again every 15 s. */
const LOOK_MS = 2000;

export interface WaitForBootOptions {
  /** What the deployment has written for the start of the machine. */
  readonly bootFile: string;
  /** Where `sluice boot` says how it ended. */
  readonly statusFile: string;
  /** Where the agent keeps how far the journal was sent. */
  readonly stateFolder: string;
  /** Of the metadata service. @default http://169.254.169.254 */
  readonly metadataUrl?: string | undefined;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** @default - as the SDK of AWS finds them */
  readonly clients?: AwsClients | undefined;
  readonly log?: Logger | undefined;
  /** Between two looks at the status, ms. @default 2000 */
  readonly lookMs?: number | undefined;
}

/**
 * How a node that has no configuration goes on: `booted`, boot has failed and then worked;
 * `unexplained`, boot has not failed, so it is something else; `ended`, by the signal.
 */
export type BootOutcome = 'booted' | 'unexplained' | 'ended';

/**
 * Where boot has failed: tells the deployment so at once, with the reason, and waits until boot, which
 * is tried again and again, has worked.
 *
 * @throws Error with a sentence for people where boot.json or the status cannot be used.
 */
export async function waitForBoot(options: WaitForBootOptions): Promise<BootOutcome> {
  const { bootFile, statusFile, signal, lookMs = LOOK_MS } = options;
  const status = await readBootStatus(statusFile);
  if (status?.state !== 'failed') return 'unexplained';
  const log =
    options.log ??
    createLog({ logging: configSchema.parse({}).logging, fields: { component: 'agent' } });
  log.error({ reason: status.reason }, 'this machine has no configuration: its boot has failed');
  const journal = await journalOf(options, log);
  const listener = await listenerOf(bootFile, options);
  const booted = new AbortController();
  const telling =
    listener &&
    tell(listener, status.reason, { log, signal: AbortSignal.any([signal, booted.signal]) });
  try {
    for (;;) {
      await sleep(lookMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return 'ended';
      if ((await readBootStatus(statusFile))?.state !== 'failed') return 'booted';
    }
  } finally {
    booted.abort();
    await telling;
    await journal?.close();
  }
}

/** Why boot has failed is wanted most where nobody can look at the machine. */
async function journalOf(
  { bootFile, stateFolder, metadataUrl = AWS_METADATA_URL }: WaitForBootOptions,
  log: Logger,
) {
  const machineId = await new InstanceMetadata({ url: metadataUrl }).instanceId().catch(hostname);
  return shipJournal({ bootFile, stateFolder, machineId, metadataUrl, log });
}

/** @returns undefined where nobody waits for a signal of this machine. */
async function listenerOf(
  bootFile: string,
  { metadataUrl = AWS_METADATA_URL, clients: given }: WaitForBootOptions,
): Promise<ReadinessListener | undefined> {
  const { signal: wanted, region } = await readBootFile(bootFile);
  if (wanted === undefined) return undefined;
  return {
    name: `stack ${wanted.stack}`,
    tell: async (failure) => {
      // That the metadata service does not answer may be what boot failed at.
      const metadata = new InstanceMetadata({ url: metadataUrl });
      const machineId = await metadata.instanceId().catch(hostname);
      const clients = given ?? awsClients({ region: region ?? (await regionOf(metadataUrl)) });
      try {
        const deployment = new DeploymentSignal({ client: clients.cloudFormation, ...wanted });
        return await deployment.send(machineId, failure);
      } finally {
        if (given === undefined) clients.close();
      }
    },
  };
}
