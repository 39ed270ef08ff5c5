import { randomBytes } from 'node:crypto';
import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { type CertificateState, emptyState, parseState } from './certificate-state';

/** There are private keys in it. */
export const STATE_MODE = 0o600;

/** Where the certificate of an entry, its account and what is under way are kept. */
export interface CertificateStore {
  /** The newest there is to know. */
  read(): Promise<CertificateState>;
  /** @throws Error where it cannot be kept; then nothing has changed */
  change(changed: (known: CertificateState) => CertificateState): Promise<CertificateState>;
  /**
   * Does what only one machine may do at a time: orders.
   *
   * @returns undefined, without having begun, where another machine does it or none can be told
   * @throws what the work throws
   */
  lead<T>(work: () => Promise<T>): Promise<T | undefined>;
  /** Told when another machine may have changed something. @returns to be called when no more is wanted */
  onChange(listener: () => void): () => void;
  /** Idempotent. */
  close(): Promise<void>;
}

/** Writes a whole file: whoever reads it meanwhile has the old one or the new one. */
export async function writeWhole(path: string, content: string, mode: number): Promise<void> {
  const fresh = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(fresh, content, { mode: 0o600, flag: 'wx' });
    await chmod(fresh, mode);
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}

/** @returns undefined where there is no such file. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

export interface FileStoreOptions {
  /** Readable for its owner alone. */
  readonly file: string;
  /** Of the authority: what is there from another one is of no use. */
  readonly directory: string;
}

/** For a machine of its own: a file. */
export class FileStore implements CertificateStore {
  readonly #options: FileStoreOptions;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(options: FileStoreOptions) {
    this.#options = options;
  }

  async read(): Promise<CertificateState> {
    const { file, directory } = this.#options;
    const text = await readIfThere(file);
    if (text === undefined) return emptyState(directory);
    try {
      const state = parseState(text);
      return state.directory === directory ? state : emptyState(directory);
    } catch (error) {
      throw new Error(
        `${file} is not what this program has written: put it back from a backup, or take it away, and a certificate is ordered anew`,
        { cause: error },
      );
    }
  }

  change(changed: (known: CertificateState) => CertificateState): Promise<CertificateState> {
    const written = this.#writing.then(async () => {
      const next = changed(await this.read());
      await writeWhole(this.#options.file, `${JSON.stringify(next, undefined, 2)}\n`, STATE_MODE);
      return next;
    });
    this.#writing = written.catch(() => {});
    return written;
  }

  lead<T>(work: () => Promise<T>): Promise<T | undefined> {
    return work();
  }

  onChange(): () => void {
    return () => {};
  }

  async close(): Promise<void> {
    await this.#writing;
  }
}
