import { defineScript } from '../script';
import { PLACEMENT } from './common';

/** @returns 1 where the epoch still holds, and the facts are saved */
export const saveFacts = defineScript({
  keys: ['rooms', 'facts'],
  args: ['room', 'epoch', 'text'],
  uses: [PLACEMENT],
  lua: `
local known = placementOf(redis.call('HGET', rooms, room))
if not known or known.epoch ~= tonumber(epoch) then return 0 end
redis.call('HSET', facts, room, text)
return 1
`,
});
