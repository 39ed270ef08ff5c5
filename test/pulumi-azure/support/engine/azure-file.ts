/** What there is at the stand-in for Azure: a file, as each deployment starts the provider anew. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

export type Values = Readonly<Record<string, unknown>>;

/** A resource as it was sent last. */
export interface Existing {
  readonly type: string;
  readonly name: string;
  readonly inputs: Values;
}

export class AzureFile {
  constructor(readonly path: string) {}

  /** By id. */
  read(): Record<string, Existing> {
    return existsSync(this.path) ? JSON.parse(readFileSync(this.path, 'utf8')) : {};
  }

  /** At once and whole: two providers write into it. */
  change(apply: (all: Record<string, Existing>) => void): void {
    const all = this.read();
    apply(all);
    writeFileSync(`${this.path}.new`, JSON.stringify(all));
    renameSync(`${this.path}.new`, this.path);
  }
}
