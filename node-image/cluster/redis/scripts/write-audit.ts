import { defineScript } from '../script';
import { NOW } from './common';

/** Adds an entry to the audit, with the time of Redis, and takes the oldest away. */
export const writeAudit = defineScript({
  keys: ['audit'],
  args: ['by', 'text', 'entries'],
  uses: [NOW],
  lua: `
redis.call('LPUSH', audit, cjson.encode({ atMs = now, by = by, text = text }))
redis.call('LTRIM', audit, 0, tonumber(entries) - 1)
`,
});
