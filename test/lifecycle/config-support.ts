import { ConfigError, type Environment, loadConfig } from '../../node-image/lifecycle/config';

export const KEY = 'key: a-secret-that-is-long-enough-0123456789';

export interface Given {
  readonly yaml?: string;
  readonly argv?: readonly string[];
  readonly env?: Environment;
  /** By path: text, and mode (0600 by default). */
  readonly files?: Readonly<Record<string, { text: string; mode?: number }>>;
  readonly cores?: number;
}

/** Loads a configuration with a key, from a file called sluice.yaml where there is YAML. */
export function load(given: Given = {}) {
  const { yaml, argv = [], env = {}, cores = 4 } = given;
  const files: Given['files'] = {
    ...given.files,
    ...(yaml !== undefined && { 'sluice.yaml': { text: yaml } }),
  };
  const find = (path: string) => {
    const file = files[path];
    if (file === undefined) {
      throw new Error(`ENOENT: no such file: ${path}`);
    }
    return file;
  };
  return loadConfig({
    argv: yaml === undefined ? argv : ['--config', 'sluice.yaml', ...argv],
    env: { LIVEKIT_KEYS: KEY, ...env },
    cores,
    files: { read: (path) => find(path).text, mode: (path) => find(path).mode ?? 0o600 },
  });
}

/** The problems of a configuration that must not load. */
export function problemsOf(given: Given): readonly string[] {
  try {
    load(given);
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.problems;
    }
    throw error;
  }
  throw new Error('the configuration was accepted');
}
