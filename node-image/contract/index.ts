export {
  configKeysSchema,
  configSchema,
  type SluiceConfig,
  type SluiceConfigInput,
} from './config-schema';
export { LOG_LEVELS, type LogLevel } from './config-server';
export { type ConfigKey, configTree, keyAt, leavesOf } from './config-tree';
export { SINGLE_NODE_UNUSED_KEYS, UNUSED_KEYS, type UnusedKey } from './config-unused';
export { parseDuration } from './config-values';
export { METRIC_LABELS, METRIC_NAMES, SLUICE_METRIC_NAMES } from './metric-names';
export { MAX_WORKERS, PORT_RANGES, PORTS } from './ports';
