import type { Logger } from 'pino';
import { type Registry, RegistryUnavailableError } from '../cluster/registry';
import { SharedConfig } from '../cluster/shared-config';
import type { SluiceConfig } from '../contract';
import { ConfigError, type LoadConfigOptions, withSharedConfig } from './config';

/** The configuration a node of a cluster runs with. */
export interface NodeConfig {
  readonly config: SluiceConfig;
  /** Of what the cluster has announced; 0: nothing, or it could not be read. */
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
  readonly log: Logger;
}): Promise<NodeConfig> {
  const { registry, config, load, log } = options;
  try {
    const announced = await new SharedConfig({ registry, log }).read();
    if (announced === undefined) {
      return { config, version: 0 };
    }
    const { config: merged, warnings } = withSharedConfig(load, announced.yaml);
    for (const warning of warnings) {
      log.warn(warning);
    }
    log.info({ version: announced.version }, 'running with the announced configuration');
    return { config: merged, version: announced.version };
  } catch (error) {
    if (error instanceof RegistryUnavailableError || error instanceof ConfigError) {
      log.warn(
        { err: error },
        'the announced configuration cannot be used; this node goes by its own',
      );
      return { config, version: 0 };
    }
    throw error;
  }
}
