import type { Logger } from 'pino';
import type { KeyRing } from '../api/key-ring';
import { type Registry, RegistryUnavailableError } from '../cluster/registry';
import { type AnnouncedConfig, refusedVersion, SharedConfig } from '../cluster/shared-config';
import type { SluiceConfig } from '../contract';
import { ConfigError, type LoadConfigOptions, withSharedConfig } from './config';
import { usableKeys } from './keys-and-config';

/** The configuration a node of a cluster runs with. */
export interface NodeConfig {
  readonly config: SluiceConfig;
  /** Of what the cluster has announced; 0: nothing, or not read; negative: this node cannot load it. */
  readonly version: number;
}

/**
 * Lays what the cluster has announced over a node's own configuration. Where that cannot be done the
 * node goes by its own: it says so in its record, and is rolled once it can.
 */
export async function announcedConfig(options: {
  readonly registry: Registry;
  readonly config: SluiceConfig;
  readonly load: LoadConfigOptions;
  /** The API keys of the cluster: what is announced may name one. */
  readonly keys: KeyRing;
  readonly log: Logger;
}): Promise<NodeConfig> {
  const { registry, config, log } = options;
  try {
    const announced = await new SharedConfig({ registry, log }).read();
    if (announced === undefined) {
      return { config, version: 0 };
    }
    return withAnnounced(config, announced, options);
  } catch (error) {
    if (error instanceof RegistryUnavailableError) {
      log.warn('the announced configuration cannot be read; this node goes by its own');
      return { config, version: 0 };
    }
    throw error;
  }
}

function withAnnounced(
  own: SluiceConfig,
  { yaml, version }: AnnouncedConfig,
  { load, keys, log }: { load: LoadConfigOptions; keys: KeyRing; log: Logger },
): NodeConfig {
  try {
    const shared = { yaml, apiKeys: usableKeys(keys) };
    const { config, warnings } = withSharedConfig(load, shared);
    for (const warning of warnings) {
      log.warn(warning);
    }
    log.info({ version }, 'running with the announced configuration');
    return { config, version };
  } catch (error) {
    if (error instanceof ConfigError) {
      log.error(
        { version, problems: error.problems },
        'this node cannot load the announced configuration; it goes by its own',
      );
      return { config: own, version: refusedVersion(version) };
    }
    throw error;
  }
}
