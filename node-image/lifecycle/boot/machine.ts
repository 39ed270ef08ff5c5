import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmod,
  chown,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BootError, reasonOf } from './boot-error';

/** How a program ended, and what it said. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Who a file is for, besides root. */
export interface FileFor {
  /** Permission bits. */
  readonly mode: number;
  /** Name of the owner. @default root */
  readonly user?: string;
  /** Name of the group. @default root */
  readonly group?: string;
}

export interface MachineOptions {
  /** Folder that stands for `/`. @default / */
  readonly root?: string;
  /** @default - runs it */
  readonly run?: (program: string, args: readonly string[]) => Promise<Ran>;
  /** Whether owners of files are set: only root can. @default true */
  readonly chown?: boolean;
}

/** The files and programs of the machine that is made ready. */
export class Machine {
  readonly #root: string;
  readonly #chown: boolean;
  readonly #run: (program: string, args: readonly string[]) => Promise<Ran>;
  #ids: Promise<{ users: Map<string, number>; groups: Map<string, number> }> | undefined;

  constructor({ root = '/', run = runProgram, chown: setOwner = true }: MachineOptions = {}) {
    this.#root = root;
    this.#run = run;
    this.#chown = setOwner;
  }

  /** Where a path of the machine really is. */
  path(path: string): string {
    return join(this.#root, path);
  }

  /** @returns undefined where there is no such file. */
  async read(path: string): Promise<string | undefined> {
    try {
      return await readFile(this.path(path), 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
        return undefined;
      }
      throw new BootError(
        `${path} cannot be read: ${reasonOf(error)}; mend that, and run this again.`,
      );
    }
  }

  async exists(path: string): Promise<boolean> {
    return stat(this.path(path)).then(
      () => true,
      () => false,
    );
  }

  /** Makes a folder, or gives the one that is there its owner and permissions. */
  async folder(path: string, who: FileFor): Promise<void> {
    await mkdir(this.path(path), { recursive: true });
    await this.#give(this.path(path), who);
  }

  /**
   * Writes a whole file: whoever reads it meanwhile has the old one or the new one, and never one
   * that is open to more than those it is for.
   */
  async write(path: string, content: string | Uint8Array, who: FileFor): Promise<void> {
    const target = this.path(path);
    const fresh = `${target}.${randomBytes(6).toString('hex')}`;
    try {
      await mkdir(dirname(target), { recursive: true });
      await writeFile(fresh, content, { mode: 0o600, flag: 'wx' });
      await this.#give(fresh, who);
      await rename(fresh, target);
    } catch (error) {
      await rm(fresh, { force: true });
      if (error instanceof BootError) throw error;
      throw new BootError(
        `${path} cannot be written: ${reasonOf(error)}; free the disk or mend its permissions, and run this again.`,
      );
    }
  }

  /** Gives a file its owner and permissions, where there is one. */
  async own(path: string, who: FileFor): Promise<void> {
    if (await this.exists(path)) await this.#give(this.path(path), who);
  }

  /** The names in a folder; none where there is no such folder. */
  async list(path: string): Promise<string[]> {
    return readdir(this.path(path)).catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      throw new BootError(
        `${path} cannot be read: ${reasonOf(error)}; mend that, and run this again.`,
      );
    });
  }

  async remove(path: string): Promise<void> {
    await rm(this.path(path), { force: true });
  }

  /** Runs a program. A failure is an answer, not an error. */
  run(program: string, ...args: readonly string[]): Promise<Ran> {
    return this.#run(program, args);
  }

  async #give(path: string, { mode, user, group }: FileFor): Promise<void> {
    if (this.#chown) {
      const { users, groups } = await this.#names();
      await chown(path, idOf(users, user, 'user'), idOf(groups, group, 'group'));
    }
    await chmod(path, mode);
  }

  #names() {
    this.#ids ??= (async () => ({
      users: namesOf((await this.read('/etc/passwd')) ?? ''),
      groups: namesOf((await this.read('/etc/group')) ?? ''),
    }))();
    return this.#ids;
  }
}

/** Source: passwd(5), group(5): the name first, the id third. */
const namesOf = (text: string): Map<string, number> =>
  new Map(
    text.split('\n').map((line) => {
      const [name = '', , id = ''] = line.split(':');
      return [name, Number(id)];
    }),
  );

function idOf(ids: ReadonlyMap<string, number>, name: string | undefined, what: string): number {
  const id = name === undefined ? 0 : ids.get(name);
  if (id === undefined) {
    throw new BootError(
      `There is no ${what} ${name} on this machine: run install.sh again, which makes it.`,
    );
  }
  return id;
}

function runProgram(program: string, args: readonly string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { encoding: 'utf8' }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') {
        reject(
          new BootError(`${program} cannot be run: ${reasonOf(error)}; run install.sh again.`),
        );
        return;
      }
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}
