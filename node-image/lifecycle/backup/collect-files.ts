import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { CERTIFICATE_STATE_FILE } from '../../certificates/settings';
import type { SluiceConfig } from '../../contract';
import { BOOT_PLAN_FILE } from '../boot/boot-plan';
import type { Machine } from '../boot/machine';
import type { Environment } from '../config';
import { expandPath } from '../config/secrets';
import { LEARNED_SENTINELS } from '../doctor/sentinel-facts';
import type { ArchivedFile } from './archive';
import { BackupError } from './backup-error';

/** Variables of the unit of the node, which may hold secrets; those of /run are made anew. */
const VARIABLES_FILE = '/etc/default/sluice';
/** Of all files together, bytes: configuration and keys are far smaller. */
const MOST_BYTES = 64 * 1024 * 1024;

export interface CollectOptions {
  readonly machine: Machine;
  /** Of the node, absolute. */
  readonly configFile: string;
  readonly config: SluiceConfig;
  readonly env: Environment;
}

/**
 * The files without which this node cannot be made again: on a machine that Sluice has set up its
 * folder; elsewhere the configuration, and the files that it names.
 *
 * @throws BackupError
 */
export async function collectFiles(options: CollectOptions): Promise<ArchivedFile[]> {
  const { machine, configFile, config, env } = options;
  const isInstalled = dirname(configFile) === dirname(BOOT_PLAN_FILE);
  const wanted = new Set([configFile, ...namedFiles(config, env)]);
  if (isInstalled && (await machine.exists(BOOT_PLAN_FILE))) {
    const folder = dirname(BOOT_PLAN_FILE);
    for (const path of await filesBelow(machine, folder)) wanted.add(path);
    for (const path of [CERTIFICATE_STATE_FILE, VARIABLES_FILE, LEARNED_SENTINELS]) {
      if (await machine.exists(path)) wanted.add(path);
    }
  }
  const users = await namesIn(machine, '/etc/passwd');
  const groups = await namesIn(machine, '/etc/group');
  const files: ArchivedFile[] = [];
  let bytes = 0;
  for (const path of [...wanted].sort()) {
    try {
      const { mode, uid, gid } = await stat(machine.path(path));
      const content = await readFile(machine.path(path));
      bytes += content.length;
      files.push({
        path,
        content,
        mode: mode & 0o777,
        user: users.get(uid) ?? 'root',
        group: groups.get(gid) ?? 'root',
      });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new BackupError(
        `${path} cannot be read, and the backup would be of no use without it: ${why}; run this as the user of the node, or as root.`,
      );
    }
    if (bytes > MOST_BYTES) {
      throw new BackupError(
        `The files of this node have more than ${MOST_BYTES / 1024 / 1024} MiB, ${path} among them: move out of ${dirname(BOOT_PLAN_FILE)} what is no configuration.`,
      );
    }
  }
  return files;
}

function namedFiles({ key_file, turn, rtc, redis, sluice }: SluiceConfig, env: Environment) {
  return [
    ...[key_file, turn.cert_file, turn.key_file, sluice.cluster.secret_file],
    ...rtc.turn_servers.map((server) => server.secret_file),
    ...[redis.tls.ca_cert_file, redis.tls.client_cert_file, redis.tls.client_key_file],
  ]
    .filter((path) => path !== '')
    .map((path) => expandPath(path, env))
    .map((path) => (isAbsolute(path) ? path : join(process.cwd(), path)));
}

/** Files in a folder, in all depths; links lead elsewhere, and are left out. */
async function filesBelow(machine: Machine, folder: string): Promise<string[]> {
  const entries = await readdir(machine.path(folder), { withFileTypes: true });
  const paths = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return filesBelow(machine, path);
      return entry.isFile() ? [path] : [];
    }),
  );
  return paths.flat();
}

/** Source: passwd(5), group(5): the name first, the id third. */
async function namesIn(machine: Machine, file: string): Promise<Map<number, string>> {
  const text = (await machine.read(file)) ?? '';
  return new Map(
    text.split('\n').map((line) => {
      const [name = '', , id = ''] = line.split(':');
      return [Number(id), name];
    }),
  );
}
