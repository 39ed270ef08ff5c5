import { defineScript } from '../script';
import { NOW, TOUCH } from './common';

/**
 * All nodes and what was placed lately, at one moment.
 *
 * @returns now, age, version, then lists of name, value, name, value...: records, times seen,
 * orders, recent placements
 */
export const readCluster = defineScript({
  keys: ['nodes', 'seen', 'orders', 'recent', 'version', 'era', 'touched'],
  args: ['recentMs'],
  uses: [NOW, TOUCH],
  lua: `
local age = touch()
-- Seen in the future: the clock was set back. Such a node would look alive for as long.
for _, nodeId in ipairs(redis.call('ZRANGEBYSCORE', seen, '(' .. now, '+inf')) do
  redis.call('ZADD', seen, now, nodeId)
end
return {
  now,
  age,
  tonumber(redis.call('GET', version)) or 0,
  redis.call('HGETALL', nodes),
  redis.call('ZRANGE', seen, 0, -1, 'WITHSCORES'),
  redis.call('HGETALL', orders),
  redis.call('ZRANGEBYSCORE', recent, '(' .. (now - tonumber(recentMs)), '+inf', 'WITHSCORES'),
}
`,
});
