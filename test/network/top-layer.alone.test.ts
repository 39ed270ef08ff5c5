import { test } from 'node:test';
import { clientSuite } from '../support/client-suite';
import { publishBusyPicture, sendsTopLayer } from './support/busy-picture';

const suite = clientSuite();

test('on a free network a camera of ordinary bitrates is sent, and seen, in its top layer within seconds', {
  timeout: 60_000,
}, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  await publishBusyPicture(alice);
  await sendsTopLayer(alice, 4_000);
  const bob = await suite.join(room, 'bob');
  await bob.event('trackSubscribed', ['camera', 'camera', 'alice']);
  await bob.sees('alice', 'camera', { frames: 1, width: 1280, height: 720, timeoutMs: 2_000 });
});
