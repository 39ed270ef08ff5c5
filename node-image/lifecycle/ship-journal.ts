import { join } from 'node:path';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import type { Logger } from 'pino';
import { readBootFile } from '../cloud/agent/boot-file';
import { JournalCursor } from '../cloud/agent/journal-cursor';
import { JournalShipper, type LogSink } from '../cloud/agent/journal-shipper';
import { regionOf } from '../cloud/aws/aws-group';
import { clientOptions } from '../cloud/aws/clients';
import { CloudWatchLogs } from '../cloud/aws/cloudwatch-logs';

export interface ShipJournalOptions {
  /** What the deployment has written for the start of the machine: names the log group. */
  readonly bootFile: string;
  /** Where it is kept how far the journal was sent. */
  readonly stateFolder: string;
  readonly machineId: string;
  readonly metadataUrl: string;
  readonly log: Logger;
}

/**
 * Sends the journal of this machine's services to the log group in boot.json.
 *
 * @returns undefined where it names none.
 * @throws Error with a sentence for people where boot.json cannot be used.
 */
export async function shipJournal(
  options: ShipJournalOptions,
): Promise<Pick<JournalShipper, 'flush' | 'close'> | undefined> {
  const { bootFile, stateFolder, machineId, metadataUrl, log } = options;
  const { log_group: group, region } = await readBootFile(bootFile);
  if (group === undefined) return undefined;
  const client = new CloudWatchLogsClient(
    clientOptions({ region: region ?? (await regionOf(metadataUrl)) }),
  );
  const sink = new CloudWatchLogs({ client, group, machineId, log });
  const shipper = journalShipper(sink, { stateFolder, log });
  log.info({ group }, 'the journal of this machine goes to a log group');
  return {
    flush: (withinMs) => shipper.flush(withinMs),
    close: async () => {
      await shipper.close();
      client.destroy();
    },
  };
}

/** Sends the journal there, from where the last agent has ended. */
export function journalShipper(
  sink: LogSink,
  { stateFolder, log }: Pick<ShipJournalOptions, 'stateFolder' | 'log'>,
): JournalShipper {
  const cursor = new JournalCursor(join(stateFolder, 'journal-cursor'));
  return new JournalShipper({ sink, cursor, log });
}
