import { defineScript } from '../script';
import { PLACEMENT, TELL } from './common';

/**
 * Puts Rooms back: room, placement, facts, room... Of two placements the higher epoch stays.
 *
 * @returns how many were put back
 */
export const restoreRooms = defineScript({
  keys: ['rooms', 'facts'],
  args: [],
  uses: [PLACEMENT],
  lua: `
local restored = 0
for i = 1, #ARGV, 3 do
  local room, text, written = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local given, known = placementOf(text), placementOf(redis.call('HGET', rooms, room))
  if given and (not known or known.epoch < given.epoch) then
    redis.call('HSET', rooms, room, text)
    redis.call('HDEL', facts, room)
    if written ~= '' then redis.call('HSET', facts, room, written) end
    restored = restored + 1
  elseif given and known.epoch == given.epoch and written ~= '' then
    redis.call('HSETNX', facts, room, written)
  end
end
return restored
`,
});

/** Writes a document over the one that is there: with a higher version, so that all nodes read it. */
export const restoreDocument = defineScript({
  keys: ['events'],
  ownKey: 'document',
  args: ['name', 'value', 'version'],
  uses: [TELL],
  lua: `
local known = tonumber(redis.call('HGET', document, 'version')) or 0
local next = math.max(tonumber(version), known > 0 and known + 1 or 0)
redis.call('HSET', document, 'value', value, 'version', string.format('%.0f', next))
tell({ type = 'document', name = name })
`,
});

/** Epochs and versions never go back: version, then lease, epoch, lease... */
export const restoreCounters = defineScript({
  keys: ['leaseEpochs', 'version'],
  args: ['atLeast'],
  lua: `
if (tonumber(redis.call('GET', version)) or 0) < (tonumber(atLeast) or 0) then
  redis.call('SET', version, atLeast)
end
for i = 2, #ARGV, 2 do
  local known = tonumber(redis.call('HGET', leaseEpochs, ARGV[i])) or 0
  if known < (tonumber(ARGV[i + 1]) or 0) then
    redis.call('HSET', leaseEpochs, ARGV[i], ARGV[i + 1])
  end
end
`,
});
