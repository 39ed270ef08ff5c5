import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { isOfPage, type SourceSpec } from './spec';

/**
 * What a node lacks to record this.
 *
 * @param browser - the program, by its path or name
 * @param path - the folders of programs. @default $PATH
 */
export function missingPrograms(
  source: Pick<SourceSpec, 'kind'>,
  browser: string,
  path = process.env['PATH'] ?? '',
): string[] {
  const isPage = isOfPage(source);
  const needed = ['ffmpeg', 'setpriv', 'choom', ...(isPage ? ['Xvfb', 'pulseaudio', browser] : [])];
  return needed.filter((program) => findProgram(program, path) === undefined);
}

/** What a node says that lacks these. */
export const lacksInWords = (missing: readonly string[]): string =>
  `it has no ${missing.join(', ')}: install.sh --jobs brings what is needed`;

/** The file of a program that is given by its path or name; undefined where it cannot be run. */
export function findProgram(program: string, path = process.env['PATH'] ?? ''): string | undefined {
  const files = isAbsolute(program)
    ? [program]
    : path.split(delimiter).map((folder) => join(folder, program));
  return files.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
