import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { RegistryUnavailableError } from '../../cluster/registry';
import { BootError } from '../boot/boot-error';
import { BOOT_PLAN_FILE } from '../boot/boot-plan';
import type { Machine } from '../boot/machine';
import type { Environment } from '../config';
import { stopNode, untilServing } from '../own-machines/node-start';
import type { ArchivedFile } from './archive';
import { connectCopier } from './backup';
import { BackupError } from './backup-error';
import { filesToRestore, forgetSentinel } from './high-availability';
import { type Backup, readBackup } from './manifest';
import { readNodeSetup } from './node-setup';
import { openFile } from './sealed-file';

export interface RestoreOptions {
  readonly machine: Machine;
  readonly env: Environment;
  /** That `sluice backup` has written. */
  readonly file: string;
  readonly passphrase: string;
  /** Whether what is there may be replaced. */
  readonly force: boolean;
  readonly say: (line: string) => void;
  /** For Redis to answer, and then for the node to serve, ms. @default - 60000, and 90000 */
  readonly patienceMs?: number | undefined;
  /** Whether the node serves, for tests. */
  readonly isReady?: (() => Promise<boolean>) | undefined;
}

export interface RestoreSummary {
  readonly cluster: string;
  readonly madeAt: string;
  readonly config: string;
  readonly files: number;
  readonly documents: number;
  /** Rooms that were put back: the others nodes have said again by themselves. */
  readonly rooms: number;
  /** Whether the services of this machine were started. */
  readonly started: boolean;
}

const START = '/opt/sluice/bin/start';
/** As `sluice init` makes them: services pass through the first, each to a file of its own. */
const FOLDERS = [
  { path: '/etc/sluice/secrets', mode: 0o711 },
  { path: '/etc/sluice/tls', mode: 0o750, group: 'sluice-haproxy' },
];
/** What Redis of this machine keeps. */
const REDIS_DATA = '/var/lib/sluice/redis';
/** They have begun without what is put back. */
const BEGIN_ANEW = ['sluice-node.service', 'sluice-certificates.service'];
const PATIENCE_MS = 60_000;
const POLL_MS = 250;

/**
 * Puts a backup onto a machine: its files, then what stands in the registry.
 *
 * @throws BackupError or BootError. Where it fails, files that were not there before are gone again.
 */
export async function restore(options: RestoreOptions): Promise<RestoreSummary> {
  const { machine, file, passphrase, force, say } = options;
  const sealed = await readFile(file).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new BackupError(`${file} cannot be read: ${why}.`);
  });
  const backup = await readBackup(await openFile(sealed, passphrase, file), file);
  const { files, highAvailability } = await filesToRestore(backup);
  const changed = await changedBy(files, machine);
  const inTheWay = changed.filter(({ isThere }) => isThere).map((one) => one.file.path);
  if (!force) await refuseOthers(machine, inTheWay, backup);
  const isInstalled = backup.files.some(({ path }) => path === BOOT_PLAN_FILE);
  if (isInstalled && !(await machine.exists(START))) {
    throw new BackupError(
      'Sluice is not installed on this machine, and the backup is of one on which it was: run install.sh first.',
    );
  }
  const written: string[] = [];
  let rooms = 0;
  try {
    if (highAvailability) await forgetSentinel(machine);
    for (const { path, ...who } of FOLDERS) {
      if (changed.some(({ file: one }) => one.path.startsWith(`${path}/`))) {
        await machine.folder(path, who);
      }
    }
    for (const { file: one, isThere } of changed) {
      const { mode, user, group } = one;
      if (!isThere) written.push(one.path);
      await machine.write(one.path, one.content, { mode, user, group });
    }
    say(`${changed.length} of ${files.length} files are written`);
    if (isInstalled) await start(machine);
    rooms = await writeRegistry(options, backup, force || isInstalled);
    if (isInstalled) {
      // With what the registry has now.
      await machine.run('systemctl', 'restart', ...BEGIN_ANEW);
    }
  } catch (error) {
    // What ran here before goes on.
    if (written.includes(BOOT_PLAN_FILE)) await stopNode(machine);
    for (const path of written.reverse()) await machine.remove(path);
    throw error;
  }
  if (isInstalled) await serves(options);
  if (highAvailability) {
    say(
      'the other Master Nodes come anew: sluice token create --role master here, and sluice join --role master on each, emptied by sluice leave --force where it is one of before',
    );
  }
  const { cluster, madeAt, config } = backup.manifest;
  const documents = Object.keys(backup.registry?.documents ?? {}).length;
  return { cluster, madeAt, config, files: files.length, documents, rooms, started: isInstalled };
}

/** @throws BackupError where clients cannot come, though all that was lost is there again. */
async function serves({ machine, isReady, patienceMs }: RestoreOptions): Promise<void> {
  await untilServing({ machine, isReady, patienceMs }).catch((error: unknown) => {
    if (!(error instanceof BootError)) throw error;
    throw new BackupError(
      `All of the backup is put back, and stays, but the machine does not serve: ${error.message}`,
      { cause: error },
    );
  });
}

async function changedBy(files: readonly ArchivedFile[], machine: Machine) {
  const all = await Promise.all(
    files.map(async (file) => {
      const present = await readFile(machine.path(file.path)).catch(() => undefined);
      return { file, isThere: present !== undefined, isSame: present?.equals(file.content) };
    }),
  );
  return all.filter(({ isSame }) => isSame !== true);
}

async function refuseOthers(
  machine: Machine,
  inTheWay: readonly string[],
  backup: Backup,
): Promise<void> {
  const [first, ...more] = inTheWay;
  if (first !== undefined) {
    const others = more.length === 0 ? '' : ` and ${more.length} more files`;
    throw new BackupError(
      `${first}${others} are there already, and are others than in the backup: take an empty machine, or --force to replace them.`,
    );
  }
  const hasOwnRedis = backup.files.some(({ path }) => path === BOOT_PLAN_FILE);
  if (hasOwnRedis && (await machine.exists(`${REDIS_DATA}/appendonlydir`))) {
    throw new BackupError(
      `${REDIS_DATA} has data already, of this cluster or of another one: take an empty machine, or --force to replace it.`,
    );
  }
}

async function start(machine: Machine): Promise<void> {
  const { code, stderr } = await machine.run(START);
  if (code === 0) return;
  throw new BackupError(`${START} cannot start the services: ${stderr.trim()}`);
}

/** @returns how many Rooms were put back. */
async function writeRegistry(
  { machine, env, patienceMs = PATIENCE_MS, say }: RestoreOptions,
  { manifest, registry }: Backup,
  mayReplace: boolean,
): Promise<number> {
  if (registry === undefined) return 0;
  const deadline = performance.now() + patienceMs;
  for (;;) {
    // Read with each attempt: on a machine that boots, the password of Redis is made meanwhile.
    const { config } = await readNodeSetup(machine, manifest.config, env);
    const copier = await connectCopier(config);
    try {
      if (!mayReplace && !(await copier.isEmpty())) {
        throw new BackupError(
          `The Redis of this configuration holds a cluster ${manifest.cluster} already, with API keys, configuration or an audit of its own: take an empty Redis, or --force to replace them.`,
        );
      }
      const rooms = await copier.write(registry);
      say('the registry is written');
      return rooms;
    } catch (error) {
      if (!(error instanceof RegistryUnavailableError)) throw error;
      if (performance.now() >= deadline) {
        throw new BackupError(`${error.message}; start it, and run this again.`, { cause: error });
      }
    } finally {
      copier.close();
    }
    await sleep(POLL_MS);
  }
}
