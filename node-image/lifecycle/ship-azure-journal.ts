import { readBootFile } from '../cloud/agent/boot-file';
import type { JournalShipper } from '../cloud/agent/journal-shipper';
import { machineIdentity } from '../cloud/azure/clients';
import { LogsIngestion } from '../cloud/azure/logs-ingestion';
import { journalShipper, type ShipJournalOptions } from './ship-journal';

/**
 * Sends the journal of this machine's services to the data collection rule in boot.json.
 *
 * @returns undefined where it names none.
 * @throws Error with a sentence for people where boot.json cannot be used.
 */
export async function shipAzureJournal(
  options: Omit<ShipJournalOptions, 'metadataUrl'>,
): Promise<JournalShipper | undefined> {
  const { bootFile, machineId, log } = options;
  const { log_ingestion: target, identity = '' } = await readBootFile(bootFile);
  if (target === undefined) return undefined;
  const credential = machineIdentity(identity);
  const sink = new LogsIngestion({ ...target, credential, machineId, log });
  const shipper = journalShipper(sink, options);
  log.info({ rule: target.rule }, 'the journal of this machine goes to Azure Monitor');
  return shipper;
}
