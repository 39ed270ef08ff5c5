import type { Logger } from 'pino';
import type { KeyRing } from '../api/key-ring';
import type { SluiceConfig } from '../contract';
import type { Closers } from './closers';
import { KeyFile, onHangup } from './key-file';

/** Takes over what `key_file` says whenever it changes, and on SIGHUP. */
export function followKeyFile(options: {
  readonly config: SluiceConfig;
  readonly keys: KeyRing;
  readonly log: Logger;
  readonly closers: Closers;
}): void {
  const { config, keys, log, closers } = options;
  if (config.key_file === '') {
    return;
  }
  const file = new KeyFile({ path: config.key_file, keys, log });
  closers.add(() => file.close());
  closers.add(onHangup(() => file.reload()));
}
