import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** How far the journal has been sent, in a file: it survives the agent and the machine's restart. */
export class JournalCursor {
  readonly #path: string;
  #known: string | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** @returns undefined where nothing was sent yet, or nobody knows. Never rejects. */
  async read(): Promise<string | undefined> {
    this.#known ??= await readFile(this.#path, 'utf8').catch(() => undefined);
    const cursor = this.#known?.trim() ?? '';
    return /^[\x21-\x7e]{1,1000}$/.test(cursor) ? cursor : undefined;
  }

  /** @throws Error where it cannot be written; this process knows it nevertheless. */
  async write(cursor: string): Promise<void> {
    this.#known = cursor;
    await mkdir(dirname(this.#path), { recursive: true });
    const fresh = `${this.#path}.new`;
    await writeFile(fresh, `${cursor}\n`, { mode: 0o600 });
    await rename(fresh, this.#path);
  }

  /** From the start of the machine on again: journald does not know this cursor. */
  forget(): void {
    this.#known = '';
  }
}
