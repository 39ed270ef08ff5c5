/**
 * A program that the kernel ends with this process: one that is killed leaves no recording behind that
 * fills the disk.
 *
 * Source: prctl(2), PR_SET_PDEATHSIG; setpriv(1) of util-linux.
 *
 * @returns what to spawn
 */
export function tiedProgram(
  file: string,
  args: readonly string[],
  signal: 'KILL' | 'TERM' = 'KILL',
): [file: string, args: string[]] {
  return ['setpriv', ['--pdeathsig', signal, file, ...args]];
}
