import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { EgressLimits } from './egress-run';
import type { FfmpegProgress } from './ffmpeg/ffmpeg-process';

export interface RunProgressOptions {
  /** Of the run. */
  readonly folder: string;
  readonly limits: EgressLimits;
  /** What is recorded never pauses: where nothing more is written, something is broken. */
  readonly live: boolean;
  /** Its first media is written. */
  readonly onStart: () => void;
  readonly onLimit: () => void;
  readonly onFailed: (error: Error) => void;
}

const LOOK_MS = 1000;
/** ms without anything written until it counts as broken. */
const STALL_MS = 20_000;
/** What is left for the machine; less, and a recording ends while it can still be finished. */
const MIN_FREE_BYTES = 128 * 1024 * 1024;

/** Looks at what an encoder does: whether it goes on, how long, how much, and for how long the disk lasts. */
export class RunProgress {
  outTimeMs = 0;
  readonly #options: RunProgressOptions;
  readonly #timer: NodeJS.Timeout;
  #started = false;
  #frames = 0;
  #movedAt = performance.now();
  #looking = false;

  constructor(options: RunProgressOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
  }

  report({ outTimeMs, frames }: FfmpegProgress): void {
    if (outTimeMs <= this.outTimeMs && frames <= this.#frames) return;
    this.outTimeMs = Math.max(outTimeMs, this.outTimeMs);
    this.#frames = frames;
    this.#movedAt = performance.now();
    if (!this.#started) {
      this.#started = true;
      this.#options.onStart();
    }
    const { maxDurationMs } = this.#options.limits;
    if (maxDurationMs > 0 && this.outTimeMs >= maxDurationMs) this.#options.onLimit();
  }

  /** Idempotent. */
  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const { live, onFailed, onLimit, folder, limits } = this.#options;
      const idleMs = performance.now() - this.#movedAt;
      if (idleMs > STALL_MS && (live || !this.#started)) {
        const what = this.#started ? 'nothing more' : 'nothing';
        onFailed(new Error(`ffmpeg has written ${what} for ${Math.round(idleMs / 1000)} s`));
      }
      const { bavail, bsize } = await statfs(folder);
      const free = bavail * bsize;
      if (free < MIN_FREE_BYTES) {
        const mib = Math.round(free / 1024 / 1024);
        onFailed(new Error(`the disk of the node is full: ${mib} MiB are left for recordings`));
      }
      if (limits.maxBytes > 0 && (await sizeOf(folder)) >= limits.maxBytes) onLimit();
    } catch {
      // Its folder is gone: it has ended.
    } finally {
      this.#looking = false;
    }
  }
}

/** Of what is recorded: pieces, and whole files. */
async function sizeOf(folder: string): Promise<number> {
  const pieces = await readdir(join(folder, 'segments'));
  const files = (await readdir(folder)).filter((name) => name.startsWith('file.'));
  const paths = [...pieces.map((name) => join(folder, 'segments', name))];
  paths.push(...files.map((name) => join(folder, name)));
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
