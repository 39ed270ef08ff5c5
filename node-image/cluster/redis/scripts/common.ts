/** `now`: ms since 1970 by the clock of Redis. */
export const NOW = `
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
`;

/**
 * `touch()`: ms since the registry began to remember. It begins anew when Redis is empty, when
 * nobody has used it for 10 s (it was away, and may know only what it had once saved), or when its
 * clock was set. Needs NOW and the keys era and touched.
 */
export const TOUCH = `
local function touch()
  local last = tonumber(redis.call('GET', touched))
  local since = tonumber(redis.call('GET', era))
  if not last or not since or math.abs(now - last) > 10000 or since > now then
    since = now
    redis.call('SET', era, string.format('%.0f', now))
  end
  redis.call('SET', touched, string.format('%.0f', now))
  return now - since
end
`;

/** `placementOf(text)`: a placement, or nil for what is none. `written(...)`: its text. */
export const PLACEMENT = `
local function placementOf(text)
  local good, found = pcall(cjson.decode, text or '')
  if not good or type(found) ~= 'table' or type(found.nodeId) ~= 'string' then return nil end
  local epoch = found.epoch
  if type(epoch) ~= 'number' or epoch < 0 or epoch >= 1e14 or epoch % 1 ~= 0 then return nil end
  return found
end
local function written(nodeId, epoch, movedFrom)
  return cjson.encode({ nodeId = nodeId, epoch = epoch, movedFrom = movedFrom })
end
`;

/** `tell(event)`: to all nodes. Needs the key events. */
export const TELL = `
local function tell(event)
  redis.call('PUBLISH', events, cjson.encode(event))
end
`;
