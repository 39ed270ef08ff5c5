import { ConfigError } from './config-error';
import { type LoadConfigOptions, type LoadedConfig, loadConfig } from './load-config';
import type { SharedYaml } from './shared-layer';

/**
 * Puts a node's configuration together with what its cluster has announced: over its file, below its
 * environment and its options.
 *
 * @throws ConfigError with every problem at once
 */
export function withSharedConfig(
  given: Omit<LoadConfigOptions, 'shared'>,
  shared: SharedYaml | string,
): LoadedConfig {
  return loadConfig({ ...given, shared: typeof shared === 'string' ? { yaml: shared } : shared });
}

/** What a configuration that is to be announced would make of this node. */
export interface SharedConfigCheck {
  /** One sentence each; empty: it can be announced. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** Checks a configuration before it is announced, as this node would load it. */
export function checkSharedConfig(
  given: Omit<LoadConfigOptions, 'shared'>,
  shared: SharedYaml,
): SharedConfigCheck {
  try {
    const before = new Set(loadConfig(given).warnings);
    const { warnings } = withSharedConfig(given, shared);
    return { problems: [], warnings: warnings.filter((warning) => !before.has(warning)) };
  } catch (error) {
    if (error instanceof ConfigError) {
      return { problems: error.problems, warnings: [] };
    }
    throw error;
  }
}
