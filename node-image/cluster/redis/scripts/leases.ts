import { defineScript } from '../script';
import { NOW } from './common';

/** @returns the epoch of the lease that the owner now has, or nil where another has it */
export const acquireLease = defineScript({
  keys: ['leaseEpochs'],
  ownKey: 'lease',
  args: ['name', 'owner', 'ttlMs'],
  uses: [NOW],
  lua: `
local held = redis.call('HMGET', lease, 'owner', 'epoch')
if held[1] and held[1] ~= owner then return nil end
local epoch = held[1] and tonumber(held[2])
if not epoch then
  epoch = math.max((tonumber(redis.call('HGET', leaseEpochs, name)) or 0) + 1, now)
  redis.call('HSET', leaseEpochs, name, string.format('%.0f', epoch))
  redis.call('HSET', lease, 'owner', owner, 'epoch', string.format('%.0f', epoch))
end
redis.call('PEXPIRE', lease, ttlMs)
return epoch
`,
});

/** Gives a lease back, where it is still this one. */
export const releaseLease = defineScript({
  keys: [],
  ownKey: 'lease',
  args: ['owner', 'epoch'],
  lua: `
local held = redis.call('HMGET', lease, 'owner', 'epoch')
if held[1] == owner and held[2] == epoch then redis.call('DEL', lease) end
`,
});
