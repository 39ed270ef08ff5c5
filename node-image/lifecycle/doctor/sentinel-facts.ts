import { parseSentinels, SENTINELS_FILE } from '../../cluster/redis/sentinel-list';
import type { DoctorQuestion, DoctorSystem } from './context';

/** As the unit of the node has it. */
const STATE_FOLDER = '/var/lib/sluice/node';

/**
 * The Sentinels that the node would ask: those that it has learned of come first, as its configuration
 * may name machines that were replaced long ago.
 */
export async function readSentinels(
  { config, isInstalled = false }: DoctorQuestion,
  system: DoctorSystem,
): Promise<readonly string[]> {
  const { sentinel_addresses: configured } = config.redis;
  if (configured.length === 0 || !isInstalled) return configured;
  try {
    const learned = parseSentinels((await system.read(`${STATE_FOLDER}/${SENTINELS_FILE}`)) ?? '');
    return [...new Set([...learned, ...configured])];
  } catch {
    // It is the node's alone, and this user may not look.
    return configured;
  }
}
