import { findProgram } from '../jobs/egress/programs';

/**
 * A program that the kernel ends with this process, also where this one is killed and can end nothing.
 * Where setpriv is missing it is started as it is: it is of util-linux, which every Linux machine has.
 *
 * Source: prctl(2), PR_SET_PDEATHSIG; setpriv(1).
 *
 * @param path - the folders of programs. @default $PATH
 * @returns what to spawn
 */
export function withParent(
  file: string,
  args: readonly string[],
  path?: string,
): [file: string, args: string[]] {
  const setpriv = findProgram('setpriv', path);
  return setpriv === undefined
    ? [file, [...args]]
    : [setpriv, ['--pdeathsig', 'KILL', '--', file, ...args]];
}
