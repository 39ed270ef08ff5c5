import { access, constants, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tiedProgram } from '../tied-program';

/**
 * A file that starts the browser as programs of jobs are started: Playwright puts arguments of its own
 * before all that it is told.
 *
 * @param folder - of this recording alone
 * @returns the browser itself where nothing in the folder may be run
 */
export async function browserStart(browser: string, folder: string): Promise<string> {
  const file = join(folder, 'browser');
  const [program, args] = tiedProgram(browser, [], 'TERM');
  const command = [program, ...args].map(shellWord).join(' ');
  await writeFile(file, `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o700 });
  return access(file, constants.X_OK).then(
    () => file,
    () => browser,
  );
}

const shellWord = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
