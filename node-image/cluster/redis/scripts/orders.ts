import { defineScript } from '../script';
import { NOW, TELL } from './common';

/** A node that was away for longer, and missed that its order was cancelled, obeys it again, ms. */
const CANCELLED_REMEMBERED_MS = 24 * 3600 * 1000;

/**
 * `orderOf(text)`: an order, or nil for what is none. `reason(order)`: why it is final, or nil.
 * `settled(before, text)`: which of two holds, as text.
 */
export const ORDER = `
local function orderOf(text)
  local good, found = pcall(cjson.decode, text or '')
  if good and type(found) == 'table' and type(found.deadlineMs) == 'number' then return found end
  return nil
end
local function reason(order)
  return type(order.final) == 'string' and order.final or nil
end
local function settled(before, text)
  local known, new = orderOf(before), orderOf(text)
  if not known or not new then return text end
  local sooner = new.deadlineMs < known.deadlineMs
  if not sooner and (reason(known) or not reason(new)) then return before end
  if reason(new) or not reason(known) then return text end
  new.final = reason(known)
  new.onDeadline = known.onDeadline
  return cjson.encode(new)
end
`;

/**
 * Orders a drain. An order that stands gives way to one that ends earlier, or that is final where
 * it is not; what made it final stays, and what happens at its deadline.
 *
 * @returns the text of the order that holds
 */
export const giveOrder = defineScript({
  keys: ['orders', 'events'],
  args: ['nodeId', 'text'],
  uses: [ORDER, TELL],
  lua: `
local before = redis.call('HGET', orders, nodeId)
local holds = settled(before, text)
if holds == before then return before end
redis.call('HSET', orders, nodeId, holds)
tell({ type = 'node', nodeId = nodeId })
return holds
`,
});

/**
 * Takes an order away, for good: its node, which has it too, is not to put it back. It may also be
 * one that only its node has: Redis has lost it since the last heartbeat.
 *
 * @returns 1 where there was an order that could be taken away
 */
export const cancelOrder = defineScript({
  keys: ['nodes', 'orders', 'cancelled', 'events'],
  args: ['nodeId'],
  uses: [NOW, ORDER, TELL],
  lua: `
local text = redis.call('HGET', orders, nodeId)
local known = orderOf(text)
if known and reason(known) then return 0 end
local good, record = pcall(cjson.decode, redis.call('HGET', nodes, nodeId) or '')
local drain = good and type(record) == 'table' and record.drain
local fresh = text and 1 or 0
for _, id in pairs({ known and known.id, type(drain) == 'table' and drain.orderId }) do
  if type(id) == 'string' and redis.call('ZADD', cancelled, 'NX', now, id) == 1 then fresh = 1 end
end
if fresh == 0 then return 0 end
redis.call('ZREMRANGEBYSCORE', cancelled, '-inf', now - ${CANCELLED_REMEMBERED_MS})
redis.call('HDEL', orders, nodeId)
tell({ type = 'node', nodeId = nodeId })
return 1
`,
});
