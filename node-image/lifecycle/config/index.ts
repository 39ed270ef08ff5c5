export { ConfigError } from './config-error';
export { type LoadConfigOptions, type LoadedConfig, loadConfig } from './load-config';
export type { Environment } from './options';
export type { ConfigFiles } from './secrets';
export { hasPlaceholderKey, isHostName } from './settle';
export { checkSharedConfig, type SharedConfigCheck, withSharedConfig } from './shared';
export type { SharedYaml } from './shared-layer';
