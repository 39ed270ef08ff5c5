/** What the Rooms of test calls are called: they are seen in webhooks, and end by themselves. */
export const TEST_CALL_PREFIX = 'sluice-ready-';

/** Whether a Room is there only to see that calls work. */
export const isTestCall = (room: string): boolean => room.startsWith(TEST_CALL_PREFIX);
