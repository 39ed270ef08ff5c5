import { z } from 'zod';
import { PORTS } from '../../contract';
import { BootError } from '../boot/boot-error';
import { BOOT_PLAN_FILE } from '../boot/boot-plan';
import type { FileFor, Machine } from '../boot/machine';
import { CONFIG_FILE } from '../boot/node-config';
import { NODE_USER } from '../boot/secret-files';

/** What `sluice init` and `sluice join` write, beside boot.json and sluice.yaml. */
export const OWN_FILES = {
  /** Which cluster this machine is of: no secret. */
  membership: '/etc/sluice/cluster.json',
  clusterSecret: '/etc/sluice/secrets/cluster',
  apiKey: '/etc/sluice/secrets/api_key',
  /** Proves that this machine is the one that has used a token; until it has joined. */
  claim: '/etc/sluice/secrets/join_claim',
  /** Variables for who calls `sluice` here. */
  admin: '/etc/sluice/admin.env',
  /** Certificate, chain and key of the entry. */
  certificate: '/etc/sluice/tls/entry.pem',
} as const;

/** The node of this machine. */
export const LOCAL_URL = `http://127.0.0.1:${PORTS.http}`;

/** Made by install.sh. */
export const INSTALLED = '/opt/sluice/current';

const membership = z.object({
  format: z.literal(1),
  role: z.enum(['master', 'media']),
  /** For people. */
  cluster: z.string(),
  /** Of the cluster: tells it from others of the same name. */
  publicKey: z.string(),
  /** Name of this machine among the nodes. */
  machine: z.string(),
  /** Of a Master Node: whether there may be others. */
  highAvailability: z.boolean().optional(),
});

export type Membership = z.infer<typeof membership>;

/** @returns undefined where this machine is of no cluster. @throws BootError where the file is broken */
export async function readMembership(machine: Machine): Promise<Membership | undefined> {
  const text = await machine.read(OWN_FILES.membership);
  if (text === undefined) return undefined;
  try {
    return membership.parse(JSON.parse(text));
  } catch {
    throw new BootError(
      `${OWN_FILES.membership} is not as Sluice has written it: run \`sluice leave\`, which takes this machine out of its cluster, and begin anew.`,
    );
  }
}

/** For people. */
export const roleInWords = ({ role, highAvailability }: Membership): string => {
  if (role === 'media') return 'a Media Node';
  return highAvailability === true ? 'a Master Node' : 'the Master Node';
};

/**
 * Whose boot.json and sluice.yaml are not of `sluice init` or `sluice join`, and are somebody's work.
 *
 * @throws BootError
 */
export async function refuseForeign(machine: Machine): Promise<void> {
  for (const file of [BOOT_PLAN_FILE, CONFIG_FILE]) {
    if (!(await machine.exists(file))) continue;
    throw new BootError(
      `This machine has a ${file} already, which neither sluice init nor sluice join has written: move it away, or keep to it and run /opt/sluice/bin/start.`,
    );
  }
}

const SECRET: FileFor = { mode: 0o400, user: NODE_USER };

/** Writes files so that all of them can be taken back. */
export class NewFiles {
  readonly #machine: Machine;
  readonly #written: string[] = [];

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  async secret(path: string, content: string): Promise<void> {
    // The other services pass through it, each to no file of its own in there.
    await this.#machine.folder('/etc/sluice/secrets', { mode: 0o711 });
    await this.write(path, content, SECRET);
  }

  async write(path: string, content: string, who: FileFor): Promise<void> {
    const isNew = !(await this.#machine.exists(path));
    await this.#machine.write(path, content, who);
    if (isNew) this.#written.push(path);
  }

  async takeBack(): Promise<void> {
    for (const path of this.#written.reverse()) await this.#machine.remove(path);
    this.#written.length = 0;
  }
}

/** @param keys - the first is for who calls `sluice` on this machine */
export async function writeAdmin(
  files: NewFiles,
  keys: Readonly<Record<string, string>>,
): Promise<void> {
  const [first] = Object.entries(keys);
  if (first === undefined) return;
  const [key, secret] = first;
  const lines = { SLUICE_URL: LOCAL_URL, LIVEKIT_API_KEY: key, LIVEKIT_API_SECRET: secret };
  const content = Object.entries(lines).map(([name, value]) => `export ${name}='${value}'\n`);
  await files.write(OWN_FILES.admin, content.join(''), { mode: 0o600 });
}

export const writeMembership = (files: NewFiles, given: Omit<Membership, 'format'>) =>
  files.write(OWN_FILES.membership, `${JSON.stringify({ format: 1, ...given }, undefined, 2)}\n`, {
    mode: 0o644,
  });
