import { Health } from './health';
import type { MediaPlane } from './media-plane';
import type { Seat } from './seat';

/** Whether a node that hosts Rooms is ready for more of them. */
export const mediaHealth = (
  { pool, turn }: Pick<MediaPlane, 'pool' | 'turn'>,
  seat: Seat,
): Health =>
  new Health({
    checks: {
      media: () => (pool.workers.length > 0 ? undefined : 'no media worker is running'),
      turn: () => turn.problem(),
      state: () => (seat.state === 'serving' ? undefined : `the node is ${seat.state}`),
    },
  });
