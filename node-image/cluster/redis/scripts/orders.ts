import { defineScript } from '../script';
import { TELL } from './common';

const ORDER = `
local function orderOf(text)
  local good, found = pcall(cjson.decode, text or '')
  if good and type(found) == 'table' and type(found.deadlineMs) == 'number' then return found end
  return nil
end
local function reason(order)
  return type(order.final) == 'string' and order.final or nil
end
`;

/**
 * Orders a drain. An order that stands gives way to one that ends earlier, or that is final where
 * it is not; what made it final stays, and what happens at its deadline.
 *
 * @returns the text of the order that holds, and whether it is the new one
 */
export const giveOrder = defineScript({
  keys: ['orders', 'events'],
  args: ['nodeId', 'text'],
  uses: [ORDER, TELL],
  lua: `
local before = redis.call('HGET', orders, nodeId)
local known, new = orderOf(before), orderOf(text)
if known and new then
  local sooner = new.deadlineMs < known.deadlineMs
  if not sooner and (reason(known) or not reason(new)) then return before end
  if not reason(new) and reason(known) then
    new.final = reason(known)
    new.onDeadline = known.onDeadline
    text = cjson.encode(new)
  end
end
redis.call('HSET', orders, nodeId, text)
tell({ type = 'node', nodeId = nodeId })
return text
`,
});

/** @returns 1 where there was an order that could be taken away */
export const cancelOrder = defineScript({
  keys: ['orders', 'events'],
  args: ['nodeId'],
  uses: [ORDER, TELL],
  lua: `
local text = redis.call('HGET', orders, nodeId)
local known = orderOf(text)
if not text or (known and reason(known)) then return 0 end
redis.call('HDEL', orders, nodeId)
tell({ type = 'node', nodeId = nodeId })
return 1
`,
});
