import { defineScript } from '../script';
import { NOW, PLACEMENT, TELL, TOUCH } from './common';

/**
 * Places a Room, if it is where its caller thinks it is. Empty arguments are not given.
 *
 * @returns 'placed' | 'exists' and the placement's text, or 'outdated'
 */
export const placeRoom = defineScript({
  keys: ['rooms', 'facts', 'recent', 'version', 'era', 'touched', 'events'],
  args: ['room', 'nodeId', 'replaces', 'ifVersion', 'movedFrom', 'recentMs'],
  uses: [NOW, TOUCH, PLACEMENT, TELL],
  lua: `
touch()
local text = redis.call('HGET', rooms, room)
local known = placementOf(text)
local replaced = tonumber(replaces)
if known and known.epoch ~= replaced then return { 'exists', text } end
local counted = tonumber(redis.call('GET', version)) or 0
if ifVersion ~= '' and tonumber(ifVersion) ~= counted then return { 'outdated' } end

-- Never a number that stood for something else before Redis lost it.
local counts = math.max(counted + 1, now)
-- Higher than what the caller knows, even where Redis has lost it; never that of a Room of the same
-- name that was released within this millisecond.
local epoch = math.max((replaced or 0) + 1, counts)
local placed = written(nodeId, epoch, movedFrom ~= '' and movedFrom or nil)
redis.call('ZREMRANGEBYSCORE', recent, '-inf', now - tonumber(recentMs))
if known then redis.call('ZREM', recent, cjson.encode({ known.nodeId, room })) end
redis.call('ZADD', recent, now, cjson.encode({ nodeId, room }))
if not known then redis.call('HDEL', facts, room) end
redis.call('SET', version, string.format('%.0f', counts))
-- Last: where a key above is of a wrong type, the script ends there, and is run again.
redis.call('HSET', rooms, room, placed)
if replaced then tell({ type = 'room', room = room }) end
return { 'placed', placed }
`,
});
