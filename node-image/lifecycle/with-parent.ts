import { spawnSync } from 'node:child_process';
import { findProgram } from '../jobs/egress/programs';

const KILLED_WITH_PARENT = ['--pdeathsig', 'KILL', '--'];

/**
 * A program that the kernel ends with this process, also where this one is killed and can end nothing.
 *
 * Where setpriv is missing or may not run, it is started as it is. The unit of a node does not let it,
 * as it sets capabilities, if only to those that it has; there systemd ends what a node leaves behind.
 *
 * Source: prctl(2), PR_SET_PDEATHSIG; setpriv(1) of util-linux.
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
  return setpriv !== undefined && mayRun(setpriv)
    ? [setpriv, [...KILLED_WITH_PARENT, file, ...args]]
    : [file, [...args]];
}

function mayRun(setpriv: string): boolean {
  const { status } = spawnSync(setpriv, [...KILLED_WITH_PARENT, 'true'], { stdio: 'ignore' });
  return status === 0;
}
