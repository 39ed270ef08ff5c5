import { defineScript } from '../script';
import { TELL } from './common';

/** @returns 1 where the document had this version, and is written */
export const writeDocument = defineScript({
  keys: ['events'],
  ownKey: 'document',
  args: ['name', 'value', 'ifVersion'],
  uses: [TELL],
  lua: `
local version = tonumber(redis.call('HGET', document, 'version')) or 0
if version ~= tonumber(ifVersion) then return 0 end
redis.call('HSET', document, 'value', value, 'version', string.format('%.0f', version + 1))
tell({ type = 'document', name = name })
return 1
`,
});
