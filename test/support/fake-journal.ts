import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A line in the words of journalctl. */
export interface FakeLine {
  readonly unit?: string;
  readonly text: unknown;
  /** ms since 1970. @default now */
  readonly atMs?: number;
}

/**
 * A journal in a file, with a `journalctl` that follows it: from a cursor, or from its beginning.
 * Cursors are the numbers of the entries.
 */
export class FakeJournal {
  /** The program. */
  readonly program: string;
  readonly #file: string;
  readonly #asked: string;
  #lines = 0;

  /** @param folder - of the test; the program is `journalctl` in it */
  constructor(folder: string) {
    this.program = join(folder, 'journalctl');
    this.#file = join(folder, 'journal.json');
    this.#asked = join(folder, 'asked');
    writeFileSync(this.#file, '');
    writeFileSync(
      this.program,
      `#!/bin/bash
echo "$*" >> '${this.#asked}'
start=1
for argument; do
  case $argument in
    --after-cursor=n=broken) echo 'Failed to seek to cursor: Invalid argument' >&2; exit 1 ;;
    --after-cursor=n=*) start=$(( \${argument#*n=} + 1 )) ;;
  esac
done
case "$*" in
  *--follow*) exec tail --quiet -n +$start -F '${this.#file}' 2> /dev/null ;;
esac
exec tail --quiet -n +$start '${this.#file}'
`,
    );
    chmodSync(this.program, 0o755);
  }

  /** What the program was started with, each time. */
  get asked(): string[] {
    return existsSync(this.#asked) ? readFileSync(this.#asked, 'utf8').trim().split('\n') : [];
  }

  async write(...lines: readonly FakeLine[]): Promise<void> {
    const text = lines.map(({ unit = 'sluice-node.service', text: MESSAGE, atMs = Date.now() }) => {
      this.#lines += 1;
      const entry = {
        __CURSOR: `n=${this.#lines}`,
        __REALTIME_TIMESTAMP: `${Math.floor(atMs * 1000)}`,
        _BOOT_ID: 'b',
        _SYSTEMD_UNIT: unit,
        MESSAGE,
      };
      return `${JSON.stringify(entry)}\n`;
    });
    await appendFile(this.#file, text.join(''));
  }
}
