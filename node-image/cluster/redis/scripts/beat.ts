import { defineScript } from '../script';
import { NOW, TOUCH } from './common';

/**
 * A node's heartbeat: its record, and when it came. Where another process was there first, nothing.
 *
 * @returns now, whether another process beats, the node's order or nil
 */
export const beat = defineScript({
  keys: ['nodes', 'seen', 'processes', 'orders', 'era', 'touched'],
  args: ['nodeId', 'record', 'process', 'staleMs'],
  uses: [NOW, TOUCH],
  lua: `
touch()
local order = redis.call('HGET', orders, nodeId)
local other = redis.call('HGET', processes, nodeId)
local at = tonumber(redis.call('ZSCORE', seen, nodeId))
if other and other ~= process and at and math.abs(now - at) <= tonumber(staleMs) then
  return { now, 1, order }
end
redis.call('HSET', nodes, nodeId, record)
redis.call('HSET', processes, nodeId, process)
redis.call('ZADD', seen, now, nodeId)
return { now, 0, order }
`,
});
