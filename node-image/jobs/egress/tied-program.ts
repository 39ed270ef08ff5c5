import { readFileSync } from 'node:fs';

/** Less than the node itself, which sends calls, as nice(1) counts. */
const NICENESS = '5';
/** From -1000, the last that is ended where memory runs out, to 1000, the first. */
const OOM_SCORE_ADJUST = 300;
const OWN_OOM_SCORE_ADJUST = '/proc/self/oom_score_adj';

/**
 * A program of a job that the kernel ends with this process: one that is killed leaves no recording
 * behind that fills the disk. It gives way to calls: it has the processor after the node, and is ended
 * before it where memory runs out, whatever the node's unit grants the node.
 *
 * Source: prctl(2), PR_SET_PDEATHSIG; setpriv(1) and choom(1) of util-linux, nice(1).
 *
 * @returns what to spawn
 */
export function tiedProgram(
  file: string,
  args: readonly string[],
  signal: 'KILL' | 'TERM' = 'KILL',
): [file: string, args: string[]] {
  // To be ended later than its parent takes a right that a node does not have.
  const adjust = Math.max(OOM_SCORE_ADJUST, Number(readFileSync(OWN_OOM_SCORE_ADJUST, 'utf8')));
  const wayThere = ['--pdeathsig', signal, 'nice', '-n', NICENESS, 'choom', '-n', `${adjust}`];
  return ['setpriv', [...wayThere, '--', file, ...args]];
}
