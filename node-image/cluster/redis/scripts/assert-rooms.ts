import { defineScript } from '../script';
import { PLACEMENT } from './common';

/**
 * Says which Rooms a node hosts: room, epoch, room, epoch... Of two placements the higher epoch
 * stays, of the same one that was there first.
 *
 * @returns the others' placements (room, text, room, text...), and the Rooms that were put back
 */
export const assertRooms = defineScript({
  keys: ['rooms'],
  args: ['nodeId'],
  uses: [PLACEMENT],
  lua: `
local superseded, restored = {}, {}
for i = 2, #ARGV, 2 do
  local room, epoch = ARGV[i], tonumber(ARGV[i + 1])
  local text = redis.call('HGET', rooms, room)
  local known = placementOf(text)
  if not known or known.epoch < epoch then
    redis.call('HSET', rooms, room, written(nodeId, epoch))
    restored[#restored + 1] = room
  elseif known.epoch > epoch or known.nodeId ~= nodeId then
    superseded[#superseded + 1] = room
    superseded[#superseded + 1] = text
  end
end
return { superseded, restored }
`,
});
