import { defineScript } from '../script';

/**
 * Takes away keys that are not of the type that they have to be: key by key its type in ARGV.
 *
 * @returns key and the type that it had, key and type...
 */
export const mend = defineScript({
  keys: [],
  args: [],
  lua: `
local removed = {}
for i, key in ipairs(KEYS) do
  local found = redis.call('TYPE', key).ok
  if found ~= 'none' and found ~= ARGV[i] then
    redis.call('DEL', key)
    removed[#removed + 1] = key
    removed[#removed + 1] = found
  end
end
return removed
`,
});
