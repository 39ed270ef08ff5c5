import { randomBytes } from 'node:crypto';
import { link, rename, rm, writeFile } from 'node:fs/promises';
import { pino } from 'pino';
import { RegistryCopier, type RegistryCopy } from '../../cluster/redis/registry-copy';
import { RegistryUnavailableError } from '../../cluster/registry';
import type { SluiceConfig } from '../../contract';
import type { Machine } from '../boot/machine';
import type { Environment } from '../config';
import { BackupError } from './backup-error';
import { collectFiles } from './collect-files';
import { packBackup } from './manifest';
import { readNodeSetup } from './node-setup';
import { sealFile } from './sealed-file';

export interface BackupOptions {
  readonly machine: Machine;
  /** Configuration of the node, absolute. */
  readonly configFile: string;
  readonly env: Environment;
  /** Where the backup goes. */
  readonly file: string;
  readonly passphrase: string;
  /** Whether it may take the place of a file that is there. */
  readonly force: boolean;
  /** As sealFile has it. @default - age's own */
  readonly workFactor?: number | undefined;
  readonly now?: (() => Date) | undefined;
}

/** What is in a backup, for people. */
export interface BackupSummary {
  readonly files: number;
  readonly documents: number;
  readonly rooms: number;
  /** Of the encrypted file. */
  readonly bytes: number;
  /** What is needed besides to restore it. */
  readonly missing: readonly string[];
}

/** Shorter ones can be guessed, as whoever has the file may try for ever. Characters. */
export const SHORTEST_PASSPHRASE = 12;

/**
 * Writes down what cannot be made again of this node and its cluster, while both run.
 *
 * @throws BackupError
 */
export async function backup(options: BackupOptions): Promise<BackupSummary> {
  const { machine, configFile, file, passphrase, force, workFactor } = options;
  if (passphrase.length < SHORTEST_PASSPHRASE) {
    throw new BackupError(
      `The passphrase has ${passphrase.length} characters: give one of ${SHORTEST_PASSPHRASE} or more, as it guards all keys of the cluster.`,
    );
  }
  const { config, env } = await readNodeSetup(machine, configFile, options.env);
  const { role, cluster } = config.sluice;
  if (role === 'media') {
    throw new BackupError(
      'This is a Media Node, on which nothing is that a new one does not have: run `sluice backup` on a Master Node.',
    );
  }
  const registry = role === 'master' ? await readRegistry(config) : undefined;
  const files = await collectFiles({ machine, configFile, config, env });
  const facts = { cluster: cluster.name, role, config: configFile };
  const at = options.now?.() ?? new Date();
  const sealed = await sealFile(packBackup(facts, files, registry, at), passphrase, workFactor);
  await writeWhole(file, sealed, force);
  return {
    files: files.length,
    documents: Object.keys(registry?.documents ?? {}).length,
    rooms: Object.keys(registry?.rooms ?? {}).length,
    bytes: sealed.length,
    missing: missingOf(options.env),
  };
}

/** @throws BackupError */
export async function connectCopier({ redis, sluice }: SluiceConfig): Promise<RegistryCopier> {
  return RegistryCopier.connect({
    redis,
    clusterName: sluice.cluster.name,
    // What it would say is in the errors.
    log: pino({ level: 'silent' }),
  });
}

async function readRegistry(config: SluiceConfig): Promise<RegistryCopy> {
  const copier = await connectCopier(config);
  try {
    return await copier.read();
  } catch (error) {
    if (!(error instanceof RegistryUnavailableError)) throw error;
    throw new BackupError(
      `${error.message}; API keys, announced configuration and audit are there alone: run this again when it answers.`,
      { cause: error },
    );
  } finally {
    copier.close();
  }
}

/** Whoever looks sees the whole file or none, and nobody else may read it. */
async function writeWhole(file: string, content: Uint8Array, force: boolean): Promise<void> {
  const fresh = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(fresh, content, { mode: 0o600, flag: 'wx', flush: true });
    // A link is made only where nothing is.
    await (force ? rename(fresh, file) : link(fresh, file));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new BackupError(
      why.startsWith('EEXIST')
        ? `${file} is there already: give another name, or --force to replace it.`
        : `${file} cannot be written: ${why}.`,
    );
  } finally {
    await rm(fresh, { force: true });
  }
}

/** Secrets that came from the environment of who has called this are in none of the files. */
const missingOf = (env: Environment): string[] =>
  [
    'SLUICE_CLUSTER_SECRET',
    'SLUICE_KEYS',
    'LIVEKIT_KEYS',
    'SLUICE_CONFIG',
    'LIVEKIT_CONFIG',
  ].filter((name) => (env[name] ?? '') !== '');
