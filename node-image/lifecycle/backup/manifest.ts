import { z } from 'zod';
import { type RegistryCopy, registryCopySchema } from '../../cluster/redis/registry-copy';
import { ROLES } from '../../contract';
import { PROGRAM_VERSION } from '../version';
import { type ArchivedFile, packFiles, unpackFiles } from './archive';
import { BackupError } from './backup-error';

/** Of what is in a backup; a higher one is not understood. */
const FORMAT = 1;
const MANIFEST = 'sluice-backup.json';
const REGISTRY = 'registry.json';
/** Files are in here, by their paths on the machine. */
const FOLDER = 'files/';

const manifest = z.object({
  format: z.literal(FORMAT),
  /** The program that has written it. */
  program: z.string(),
  madeAt: z.iso.datetime(),
  cluster: z.string(),
  role: z.enum(ROLES),
  /** The configuration of the node, by its path on the machine. */
  config: z.string().startsWith('/'),
});

export interface Backup {
  readonly manifest: z.infer<typeof manifest>;
  /** By their paths on the machine. */
  readonly files: readonly ArchivedFile[];
  /** undefined: a Single Node has none. */
  readonly registry?: RegistryCopy | undefined;
}

export type BackupFacts = Omit<Backup['manifest'], 'format' | 'program' | 'madeAt'>;

const OWN = { mode: 0o600, user: 'root', group: 'root' } as const;
const json = (path: string, value: unknown): ArchivedFile => ({
  ...{ path, content: Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`) },
  ...OWN,
});

export function packBackup(
  facts: BackupFacts,
  files: readonly ArchivedFile[],
  registry: RegistryCopy | undefined,
  at: Date,
): Buffer {
  const head: Backup['manifest'] = {
    format: FORMAT,
    program: PROGRAM_VERSION,
    madeAt: at.toISOString(),
    ...facts,
  };
  const all = [
    json(MANIFEST, head),
    ...(registry === undefined ? [] : [json(REGISTRY, registry)]),
    ...files.map((file) => ({ ...file, path: FOLDER + file.path.slice(1) })),
  ];
  return packFiles(all, at);
}

/** @throws BackupError where it is none, or of a newer version. */
export async function readBackup(tar: Uint8Array, name: string): Promise<Backup> {
  const all = await unpackFiles(tar).catch((error: unknown) => {
    throw new BackupError(noBackup(name), { cause: error });
  });
  const head = jsonOf(all, MANIFEST, name);
  refuseNewer(head, name);
  const read = manifest.safeParse(head);
  const registry = all.some(({ path }) => path === REGISTRY)
    ? registryCopySchema.safeParse(jsonOf(all, REGISTRY, name))
    : undefined;
  if (!read.success || registry?.success === false) throw new BackupError(noBackup(name));
  const files = all
    .filter(({ path }) => path.startsWith(FOLDER))
    .map((file) => ({ ...file, path: `/${file.path.slice(FOLDER.length)}` }));
  const odd = files.find(({ path }) => path.split('/').includes('..'));
  if (odd !== undefined) throw new BackupError(noBackup(name));
  return { manifest: read.data, files, registry: registry?.data };
}

const noBackup = (name: string): string =>
  `${name} holds no backup of Sluice that can be read: give a file that \`sluice backup\` has written.`;

function refuseNewer(head: unknown, name: string): void {
  const { format, program } = z
    .object({ format: z.number().catch(0), program: z.string().catch('') })
    .catch({ format: 0, program: '' })
    .parse(head);
  if (format <= FORMAT && !isNewer(program, PROGRAM_VERSION)) return;
  throw new BackupError(
    `${name} was written by Sluice ${program}, and this is ${PROGRAM_VERSION}: install that version or a newer one, and run this again.`,
  );
}

/** Whether its major or minor version is higher. */
function isNewer(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => text.split('.').map(Number));
  const [major = 0, minor = 0] = a ?? [];
  const [ownMajor = 0, ownMinor = 0] = b ?? [];
  return major > ownMajor || (major === ownMajor && minor > ownMinor);
}

function jsonOf(all: readonly ArchivedFile[], path: string, name: string): unknown {
  const found = all.find((file) => file.path === path);
  try {
    return JSON.parse(found?.content.toString('utf8') ?? '');
  } catch (error) {
    throw new BackupError(noBackup(name), { cause: error });
  }
}
