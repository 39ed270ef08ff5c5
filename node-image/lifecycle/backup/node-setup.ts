import type { SluiceConfig } from '../../contract';
import type { Machine } from '../boot/machine';
import { CONFIG_FILE } from '../boot/node-config';
import { ConfigError, type ConfigFiles, type Environment, loadConfig } from '../config';
import { diskFiles } from '../config/secrets';
import { BackupError } from './backup-error';

/** Where the unit of the node has its variables from; the later one wins. */
const VARIABLE_FILES = ['/run/sluice/secrets/node.env', '/etc/default/sluice'];

export interface NodeSetup {
  readonly config: SluiceConfig;
  readonly env: Environment;
}

/**
 * Reads the configuration of a node as the node does.
 *
 * @throws BackupError with all that is wrong with it.
 */
export async function readNodeSetup(
  machine: Machine,
  configFile: string,
  given: Environment,
): Promise<NodeSetup> {
  const env: Record<string, string | undefined> = {};
  if (configFile === CONFIG_FILE) {
    for (const file of VARIABLE_FILES) {
      Object.assign(env, variablesOf((await machine.read(file)) ?? ''));
    }
  }
  Object.assign(env, given);
  const files: ConfigFiles = {
    read: (path) => diskFiles.read(machine.path(path)),
    mode: (path) => diskFiles.mode(machine.path(path)),
  };
  try {
    const argv = ['--config', configFile];
    return { config: loadConfig({ argv, env, files, needsKeys: false }).config, env };
  } catch (error) {
    if (error instanceof ConfigError) throw new BackupError(error.message, { cause: error });
    throw error;
  }
}

/** Source: systemd.exec(5), EnvironmentFile; as much of it as these files have. */
function variablesOf(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const [, name, value] = /^([A-Za-z_]\w*)=(.*?)\s*$/.exec(line.trim()) ?? [];
      const plain = value?.replace(/^(['"])(.*)\1$/, '$2');
      return name === undefined || plain === undefined ? [] : [[name, plain] as const];
    }),
  );
}
