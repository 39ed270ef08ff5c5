import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientSuite } from '../support/client-suite';

const suite = clientSuite();
const options = { timeout: 30_000 };

test('camera in VP8 simulcast and microphone reach the other side', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  const bob = await suite.join(room, 'bob');
  await alice.run((c) => Promise.all([c.publishPicture(), c.publishTone()]));
  const picture = await bob.sees('alice', 'camera', { width: 1280, height: 720 });
  assert.equal(picture.codec, 'video/VP8');
  await bob.hears('alice');
  const layers = await alice.outbound('camera');
  assert.deepEqual(layers.map((layer) => layer.rid).sort(), ['f', 'h', 'q']);
});
