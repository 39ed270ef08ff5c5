import { defineScript } from '../script';
import { NOW, TOUCH } from './common';
import { ORDER } from './orders';

/**
 * A node's heartbeat: its record, and when it came. Where another process was there first, nothing.
 * The order that the node obeys, or nothing, is put back where Redis has lost it: where there is
 * none, or only one that is not final in place of one that is. One that was cancelled stays away.
 *
 * @returns now, whether another process beats, the node's order or nil
 */
export const beat = defineScript({
  keys: ['nodes', 'seen', 'processes', 'orders', 'cancelled', 'era', 'touched'],
  args: ['nodeId', 'record', 'process', 'staleMs', 'obeyed'],
  uses: [NOW, TOUCH, ORDER],
  lua: `
touch()
local order = redis.call('HGET', orders, nodeId)
local other = redis.call('HGET', processes, nodeId)
local at = tonumber(redis.call('ZSCORE', seen, nodeId))
if other and other ~= process and at and math.abs(now - at) <= tonumber(staleMs) then
  return { now, 1, order }
end
local known, own = orderOf(order), orderOf(obeyed)
if own then
  local lost = not known and not redis.call('ZSCORE', cancelled, own.id)
  if lost or (reason(own) and not (known and reason(known))) then
    order = settled(obeyed, known and order or obeyed)
    redis.call('HSET', orders, nodeId, order)
  end
end
redis.call('HSET', nodes, nodeId, record)
redis.call('HSET', processes, nodeId, process)
redis.call('ZADD', seen, now, nodeId)
return { now, 0, order }
`,
});
