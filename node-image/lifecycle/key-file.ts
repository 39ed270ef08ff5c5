import { type StatsListener, unwatchFile, watchFile } from 'node:fs';
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
  readonly #changed: StatsListener = () => this.reload();

  constructor(options: KeyFileOptions) {
    this.#options = options;
    // By its figures, not by events: those stop where a file is replaced, as secret stores do it.
    watchFile(
      options.path,
      { interval: options.pollMs ?? POLL_MS, persistent: false },
      this.#changed,
    );
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
    unwatchFile(this.#options.path, this.#changed);
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
