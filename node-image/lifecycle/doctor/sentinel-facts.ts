import { parseSentinels, SENTINELS_FILE } from '../../cluster/redis/sentinel-list';
import type { DoctorQuestion, DoctorSystem } from './context';

/** Where the unit of the node keeps them. */
export const LEARNED_SENTINELS = `/var/lib/sluice/node/${SENTINELS_FILE}`;

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
    const learned = parseSentinels((await system.read(LEARNED_SENTINELS)) ?? '');
    return [...new Set([...learned, ...configured])];
  } catch {
    // It is the node's alone, and this user may not look.
    return configured;
  }
}
