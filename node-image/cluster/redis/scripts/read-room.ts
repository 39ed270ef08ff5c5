import { defineScript } from '../script';

/** @returns the text of a Room's placement and its facts, nil where there are none */
export const readRoom = defineScript({
  keys: ['rooms', 'facts'],
  args: ['room'],
  lua: `
return { redis.call('HGET', rooms, room), redis.call('HGET', facts, room) }
`,
});
