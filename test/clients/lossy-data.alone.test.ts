import { test } from 'node:test';
import { clientSuite } from '../support/client-suite';

const suite = clientSuite();
const options = { timeout: 30_000 };

/** By itself: a browser that is kept waiting drops what its own buffer cannot take. */
test('50 lossy messages of 8 kB arrive on a free network', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  const bob = await suite.join(room, 'bob');
  await alice.event('participantActive', ['bob']);
  await alice.run(async (c) => {
    // Not at once: this client library drops what its own buffer cannot take.
    for (let i = 0; i < 50; i++) {
      await c.room.localParticipant.publishData(new Uint8Array(8_000).fill(97), {
        reliable: false,
      });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
  await bob.until('50 messages', (c) => c.seen('dataReceived').length >= 50, 5_000);
});
