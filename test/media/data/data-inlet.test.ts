import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DataOutlet } from '../../../node-image/media/data/data-outlet';
import { until } from '../../support/wait';
import { Harness, log } from './harness';

let harness: Harness;
before(async () => {
  harness = await Harness.start();
});
after(() => harness.close());

const unreliable = { ordered: false, maxRetransmits: 0 };
const livekitChannels = [
  { label: '_lossy', init: unreliable },
  { label: '_reliable' },
  { label: '_data_track', init: unreliable },
];

async function publisher(channels: { label: string; init?: RTCDataChannelInit }[]) {
  const transport = await harness.transport();
  const { inlet, messages } = await harness.inlet(transport);
  const page = await harness.page();
  await page.publish(transport, channels);
  return { transport, inlet, messages, page };
}

test('hands over what a client sends, by the kind of the channel', async () => {
  const { page, messages } = await publisher(livekitChannels);
  await page.untilOpen(['_data_track', '_lossy', '_reliable']);
  await page.send('_reliable', 100, 3);
  await page.send('_lossy', 10);
  await page.send('_data_track', 20);
  await page.send('_reliable', 60_000);
  await until('six messages', () => messages.length === 6);
  const sizes = (kind: string): number[] =>
    messages.filter((message) => message.kind === kind).map(({ payload }) => payload.length);
  assert.deepEqual(sizes('reliable'), [100, 100, 100, 60_000]);
  assert.deepEqual(sizes('lossy'), [10]);
  assert.deepEqual(sizes('data_track'), [20]);
});

test('opens channels of unknown labels, and drops what they say', async () => {
  const { page, messages, inlet } = await publisher([{ label: 'mine' }, { label: '_reliable' }]);
  await page.untilOpen(['_reliable', 'mine']);
  await page.send('mine', 10, 250);
  await page.send('_reliable', 10);
  await until('the message on the known channel', () => messages.length === 1);
  await until('ignored messages', () => inlet.ignoredMessages >= 100);
  assert.ok(inlet.ignoredMessages <= 250);
});

test('works on when a client opens more channels than it has streams for', async () => {
  const many = Array.from({ length: 20 }, (_, i) => ({ label: `extra ${i}` }));
  const { page, messages } = await publisher([{ label: '_reliable' }, ...many]);
  await until('the known channel', async () => (await page.labels()).includes('_reliable'));
  await page.send('_reliable', 10);
  await until('the message', () => messages.length === 1);
});

test('takes a channel that is closed and opened anew', async () => {
  const { page, messages } = await publisher([{ label: '_reliable' }]);
  for (const round of [1, 2, 3]) {
    await page.untilOpen(['_reliable']);
    await page.send('_reliable', 10 * round);
    await until('its message', () => messages.length === round);
    await page.closeChannel('_reliable');
    await page.openChannel('_reliable');
  }
  assert.deepEqual(
    messages.map(({ payload }) => payload.length),
    [10, 20, 30],
  );
});

test('lets an outlet send on the channels of the client, and keeps reliable data till then', async () => {
  const transport = await harness.transport();
  const { inlet } = await harness.inlet(transport);
  const { bus } = harness;
  const outlet = DataOutlet.overInlet({ bus, inlet, log, onOverflow: () => assert.fail() });
  assert.equal(outlet.open, false);
  bus.broadcast('reliable', Buffer.of(1));
  bus.broadcast('lossy', Buffer.of(9));
  bus.broadcast('reliable', Buffer.of(9), outlet);
  outlet.send('reliable', Buffer.of(2));
  const page = await harness.page();
  await page.publish(transport, livekitChannels);
  for (const value of [3, 4, 5, 6]) {
    bus.broadcast('reliable', Buffer.of(value));
  }
  await page.untilOpen(['_data_track', '_lossy', '_reliable']);
  await until('the outlet to be open', () => outlet.open);
  outlet.send('reliable', Buffer.of(7));
  bus.broadcast('lossy', Buffer.of(8));
  const reliable = await page.untilReceived('_reliable', 7);
  assert.deepEqual(
    reliable.map(({ bytes }) => bytes[0]),
    [1, 2, 3, 4, 5, 6, 7],
  );
  const lossy = await page.untilReceived('_lossy', 1);
  assert.deepEqual(lossy[0]?.bytes, [8]);
  outlet.close();
});
