import { isIPv4 } from 'node:net';
import { ConfigError, type Environment, loadConfig } from '../../node-image/lifecycle/config';

import type { Interfaces } from '../../node-image/lifecycle/listen-addresses';

export const KEY = 'key: a-secret-that-is-long-enough-0123456789';

export interface Given {
  readonly yaml?: string;
  readonly argv?: readonly string[];
  readonly env?: Environment;
  /** By path: text, and mode (0600 by default). */
  readonly files?: Readonly<Record<string, { text: string; mode?: number }>>;
  readonly cores?: number;
  /** Addresses of the machine, by interface. @default one private one */
  readonly addresses?: Readonly<Record<string, readonly string[]>>;
}

/** Loads a configuration with a key, from a file called sluice.yaml where there is YAML. */
export function load(given: Given = {}) {
  const { yaml, argv = [], env = {}, cores = 4, addresses = { eth0: ['10.0.0.7'] } } = given;
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
    interfaces: interfacesOf(addresses),
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

/** What the operating system would say of a machine with these addresses. */
export function interfacesOf(addresses: Readonly<Record<string, readonly string[]>>): Interfaces {
  const rest = { netmask: '', mac: '', cidr: null };
  return Object.fromEntries(
    Object.entries(addresses).map(([name, list]) => [
      name,
      list.map((address) => ({
        ...rest,
        address,
        internal: name === 'lo',
        ...(isIPv4(address)
          ? { family: 'IPv4' as const }
          : { family: 'IPv6' as const, scopeid: 0 }),
      })),
    ]),
  );
}
