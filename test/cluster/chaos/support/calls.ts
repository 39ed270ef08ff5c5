import { sleep } from '../../../support/wait';
import type { Crowd, MemberOptions } from './crowd';
import type { Move } from './plan';

/** Rooms that go on over all runs, and who is in them: all are heard, the first two are seen. */
export const STANDING: readonly MemberOptions[] = [2, 3, 2, 3].flatMap((size, room) =>
  Array.from({ length: size }, (_, i) => ({
    room: `chaos-${room}`,
    identity: `chaos-${room}-${'abc'[i]}`,
    video: i < 2,
  })),
);

/** Lets the clients of a run do what its plan says. Resolves once they have. */
export async function move(crowd: Crowd, one: Move, name: string): Promise<void> {
  if (one.kind === 'away') {
    const who = STANDING[Math.floor(one.target * STANDING.length)];
    if (who === undefined) return;
    crowd.exit(who.identity);
    await sleep(one.lastsMs);
    crowd.enter(who);
    return;
  }
  const pair = ['a', 'b'].map((end) => ({ room: name, identity: `${name}-${end}`, video: true }));
  for (const who of pair) crowd.enter(who);
  await sleep(one.lastsMs + 2_000);
  for (const { identity } of pair) crowd.exit(identity);
}
