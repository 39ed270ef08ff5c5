import type { FastifyPluginAsync } from 'fastify';
import type { Logger } from 'pino';
import { type AdminPluginOptions, adminPlugin } from '../api/cluster/admin-plugin';
import { configRoutes } from '../api/cluster/config-routes';
import { keysRoutes } from '../api/cluster/keys-routes';
import type { KeyRing } from '../api/key-ring';
import type { Registry } from '../cluster/registry';
import { SharedConfig } from '../cluster/shared-config';
import type { SharedKeys } from '../cluster/shared-keys';
import type { SluiceConfig } from '../contract';
import type { Closers } from './closers';
import { checkSharedConfig, type LoadConfigOptions, type SharedConfigCheck } from './config';
import { KeyFile, onHangup } from './key-file';

export interface KeysAndConfigOptions {
  readonly config: SluiceConfig;
  /** What the node's own configuration was loaded from. */
  readonly load: LoadConfigOptions;
  readonly nodeId: string;
  readonly registry: Registry;
  readonly sharedKeys: SharedKeys;
  readonly keys: KeyRing;
  /** Whether the registry outlives this process. */
  readonly lasting: boolean;
  readonly tokens: AdminPluginOptions['tokens'];
  readonly log: Logger;
}

/** The routes of the admin API that change API keys and configuration while the cluster runs. */
export function keysAndConfigRoutes(options: KeysAndConfigOptions): FastifyPluginAsync {
  const { config, load, nodeId, registry, sharedKeys, keys, lasting, tokens, log } = options;
  const audit = (text: string): Promise<void> => registry.audit({ by: nodeId, text });
  return adminPlugin({
    tokens,
    log,
    routes: [
      ...keysRoutes({
        keys,
        shared: sharedKeys,
        lasting,
        webhookKey: config.webhook.urls.length > 0 ? config.webhook.api_key : undefined,
        audit,
      }),
      ...configRoutes({
        shared: new SharedConfig({ registry, log }),
        registry,
        check: (yaml) =>
          lasting ? checkSharedConfig(load, { yaml, apiKeys: usableKeys(keys) }) : ALONE,
        audit,
      }),
    ],
  });
}

/** Nobody else would take it, and this node not before it starts again. */
const ALONE: SharedConfigCheck = {
  problems: [
    'a Single Node has its configuration from its file: change that, and start the node again',
  ],
  warnings: [],
};

/** The names of the keys that can be used now. */
export const usableKeys = (keys: KeyRing): string[] =>
  keys.list().flatMap(({ apiKey, state }) => (state === 'usable' ? [apiKey] : []));

/** Takes the keys of `key_file` anew when it changes, and on SIGHUP; nothing where there is none. */
export function followKeyFile(
  { key_file }: SluiceConfig,
  keys: KeyRing,
  log: Logger,
  closers: Pick<Closers, 'add'>,
): void {
  if (key_file === '') {
    return;
  }
  const file = new KeyFile({ path: key_file, keys, log });
  closers.add(() => file.close());
  closers.add(onHangup(() => file.reload()));
}
