import { defineScript } from '../script';
import { TELL } from './common';

/** Takes away all that is known of a node. Its Rooms stay. */
export const forgetNode = defineScript({
  keys: ['nodes', 'seen', 'processes', 'orders', 'events'],
  args: ['nodeId'],
  uses: [TELL],
  lua: `
redis.call('HDEL', nodes, nodeId)
redis.call('ZREM', seen, nodeId)
redis.call('HDEL', processes, nodeId)
redis.call('HDEL', orders, nodeId)
tell({ type = 'node', nodeId = nodeId })
`,
});
