import { statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { KeyRing } from '../api/key-ring';
import { type ConfigFiles, diskFiles, parseKeys, readSecretFile } from './config/secrets';

export interface KeyFileOptions {
  /** `key_file` of the configuration. */
  readonly path: string;
  readonly keys: Pick<KeyRing, 'setConfigured'>;
  readonly log: Pick<Logger, 'info' | 'error'>;
  /** How often it is looked at, ms. @default 5000 */
  readonly pollMs?: number | undefined;
  /** @default the disk */
  readonly files?: ConfigFiles | undefined;
}

const POLL_MS = 5000;

/**
 * Reads `key_file` anew when it changes, and when it is asked to (SIGHUP). A file that cannot be
 * used changes nothing: the keys that were read last go on.
 */
export class KeyFile {
  readonly #options: KeyFileOptions;
  readonly #timer: NodeJS.Timeout;
  /** What it looked like when it was read. */
  #seen: string;

  constructor(options: KeyFileOptions) {
    const { path, pollMs = POLL_MS } = options;
    this.#options = options;
    this.#seen = figuresOf(() => statSync(path));
    // It may have changed since the configuration was loaded.
    this.reload();
    // By its figures, not by events: those stop where a file is replaced, as secret stores do it.
    this.#timer = setInterval(() => void this.#look(), pollMs);
    this.#timer.unref();
  }

  /** Reads it now. Never throws. */
  reload(): void {
    const { path, keys, log, files = diskFiles } = this.#options;
    const problems: string[] = [];
    const text = readSecretFile(path, 'key_file', files, problems);
    const read = text === undefined ? undefined : parseKeys(text);
    if (read === undefined || Object.keys(read).length === 0) {
      const why = problems[0] ?? `key_file ${path} holds no "key: secret" lines`;
      log.error(`${why}; the keys that were read before go on`);
      return;
    }
    keys.setConfigured(read);
    log.info({ path, keys: Object.keys(read).length }, 'read key_file');
  }

  /** Idempotent. */
  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const stats = await stat(this.#options.path).catch(() => undefined);
    const figures = figuresOf(() => stats);
    if (figures !== this.#seen) {
      this.#seen = figures;
      this.reload();
    }
  }
}

/** Different for a file that was changed or replaced; empty where there is none. */
function figuresOf(
  read: () => { ino: number; size: number; mtimeMs: number; ctimeMs: number } | undefined,
): string {
  try {
    const stats = read();
    return stats === undefined
      ? ''
      : [stats.ino, stats.size, stats.mtimeMs, stats.ctimeMs].join(' ');
  } catch {
    return '';
  }
}

/**
 * Calls `reload` on SIGHUP. Not at a terminal: there it means that the terminal is gone, and ends
 * the program.
 *
 * @returns to be called when no more is wanted.
 */
export function onHangup(reload: () => void, isTerminal = process.stdout.isTTY === true) {
  if (!isTerminal) process.on('SIGHUP', reload);
  return (): void => void process.off('SIGHUP', reload);
}
