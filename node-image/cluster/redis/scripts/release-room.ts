import { defineScript } from '../script';
import { PLACEMENT, TELL } from './common';

/** Takes away a Room of this epoch with all that is known of it, and what is left of one that is gone. */
export const releaseRoom = defineScript({
  keys: ['rooms', 'facts', 'recent', 'events'],
  args: ['room', 'epoch'],
  uses: [PLACEMENT, TELL],
  lua: `
local known = placementOf(redis.call('HGET', rooms, room))
if known and known.epoch ~= tonumber(epoch) then return end
redis.call('HDEL', facts, room)
if known then redis.call('ZREM', recent, cjson.encode({ known.nodeId, room })) end
if redis.call('HDEL', rooms, room) == 1 then tell({ type = 'room', room = room }) end
`,
});
