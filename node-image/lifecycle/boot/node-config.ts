import { parseDocument } from 'yaml';
import type { SluiceConfig } from '../../contract';
import { ConfigError, type ConfigFiles, loadConfig } from '../config';
import { BootError } from './boot-error';
import type { Instance } from './instance';

/** Where the node reads its configuration. */
export const CONFIG_FILE = '/etc/sluice/sluice.yaml';

/**
 * Fills in what only the machine knows and nobody has said: its id, its region, and the public
 * addresses that clients are told.
 *
 * @param publicIpv4 - the elastic address it has taken, if any
 */
export function withInstance(
  yaml: string,
  { id, region, ipv6, publicIpv4 }: Instance,
  hasMedia: boolean,
): string {
  const document = parseDocument(yaml);
  const isFree = (...path: readonly string[]): boolean => {
    const value = document.getIn(path);
    return value === undefined || value === null || value === '';
  };
  if (document.errors.length > 0) return yaml;
  if (isFree('sluice', 'machine_id')) document.setIn(['sluice', 'machine_id'], id);
  if (isFree('region')) document.set('region', region);
  if (
    hasMedia &&
    publicIpv4 !== undefined &&
    isFree('rtc', 'node_ip') &&
    document.getIn(['rtc', 'use_external_ip']) !== true
  ) {
    const addresses = [publicIpv4, ipv6].filter((address) => address !== undefined);
    document.setIn(['rtc', 'node_ip'], addresses.join(','));
  }
  return document.toString();
}

export interface CheckOptions {
  /** What sluice.yaml is to be. */
  readonly yaml: string;
  /** For people: where it came from. */
  readonly origin: string;
  /** Of the unit of the node. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What else it names. */
  readonly files: ConfigFiles;
}

/**
 * Reads a configuration as the node will.
 *
 * @throws BootError with everything that is wrong with it.
 */
export function readNodeConfig({ yaml, origin, env, files }: CheckOptions): SluiceConfig {
  const own: ConfigFiles = {
    ...files,
    read: (path) => (path === CONFIG_FILE ? yaml : files.read(path)),
  };
  try {
    return loadConfig({ argv: ['--config', CONFIG_FILE], env, files: own }).config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new BootError(
      `The configuration from ${origin} cannot be used, and nothing of it was taken over; correct it there:\n${error.message}`,
    );
  }
}
