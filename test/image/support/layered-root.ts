import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Where the kernel cannot lay one folder over another, all is copied: a second or ten each. */
const MOUNT_AND_RUN = `
base=$1 changes=$2 work=$3 root=$4; shift 4
mount -t overlay overlay -o "lowerdir=$base,upperdir=$changes,workdir=$work" "$root" ||
  { cp -a "$base/." "$root" && cp -a "$changes/." "$root"; } || exit 1
exec "$@"`;

/**
 * A file system of a machine that begins as a folder which many begin as, and keeps what is changed in
 * one of its own. It is whole only for what is run with `command` before it.
 */
export class LayeredRoot {
  /** For what `command` runs. */
  readonly path: string;
  /** Runs what follows where the file system is whole. */
  readonly command: readonly string[];
  readonly #folder: string;
  readonly #changes: string;

  /** @param base - is not to be changed meanwhile */
  constructor(base: string) {
    this.#folder = mkdtempSync(join(tmpdir(), 'sluice-layers-'));
    const [changes, work, root] = ['changes', 'work', 'root'].map((name) => {
      const path = join(this.#folder, name);
      mkdirSync(path, { mode: 0o755 });
      return path;
    }) as [string, string, string];
    this.path = root;
    this.#changes = changes;
    const mounted = ['sh', '-c', MOUNT_AND_RUN, 'layers', base, changes, work, root];
    // With its namespace the mount goes by itself.
    this.command = ['unshare', '--mount', '--propagation', 'slave', ...mounted];
  }

  /** Before anything is run. */
  write(name: string, text: string): void {
    const path = join(this.#changes, name);
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    writeFileSync(path, text);
  }

  /** Idempotent. */
  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
