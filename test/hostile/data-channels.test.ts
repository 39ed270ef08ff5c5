import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import { ActiveSpeakerUpdate, DataPacket, SpeakerInfo, UserPacket } from '@livekit/protocol';
import type { BrowserClient } from '../support/client';
import { clientSuite } from '../support/client-suite';
import { sleep } from '../support/wait';
import { assertQuiet, untilNoObjects } from './support/siege';

const PER_SECOND = 200;
const suite = clientSuite({
  alwaysOwn: true,
  config: {
    room: { empty_timeout: 1, departure_timeout: 1 },
    sluice: { workers: 1, data_messages_per_second: PER_SECOND },
  },
});
const options = { timeout: 60_000 };
let log = '';

after(() => assertQuiet(log));

/** Two that call each other, and one that shares their Room and their worker. */
async function scene() {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  const bob = await suite.join(room, 'bob');
  await alice.run((c) =>
    c.publishPicture({ picture: { width: 320, height: 180 }, simulcast: false }),
  );
  const page = await suite.openPage();
  const mallory = await suite.join(room, 'mallory', { page });
  await mallory.run((c) => c.publishTone());
  await mallory.until(
    'the publisher connection',
    () =>
      window.peers.some(
        (p) => p.localDescription?.type === 'offer' && p.sctp?.state === 'connected',
      ),
    10_000,
    undefined,
  );
  await bob.sees('alice');
  for (const client of [alice, bob]) await client.forgetEvents();
  return { room, alice, bob, mallory };
}

interface Shots {
  readonly label: string;
  /** base64 */
  readonly messages: readonly string[];
  readonly repeat?: number;
  readonly channels?: number;
}

/**
 * Opens channels by hand on the publisher connection and sends on them, as far as it goes.
 *
 * @returns how many messages Chromium took.
 */
async function shoot(mallory: BrowserClient, shots: Shots): Promise<number> {
  return mallory.run(async (_, { label, messages, repeat = 1, channels = 1 }) => {
    const pc = window.peers.find((p) => p.localDescription?.type === 'offer');
    let sent = 0;
    for (let i = 0; i < channels; i++) {
      try {
        const channel = pc?.createDataChannel(label, { ordered: true });
        if (channel === undefined) throw new Error('no publisher connection');
        await new Promise<void>((resolve) => {
          channel.onopen = () => resolve();
          setTimeout(resolve, 500);
        });
        for (let round = 0; round < repeat; round++) {
          for (const message of messages) {
            channel.send(Uint8Array.from(atob(message), (char) => char.charCodeAt(0)));
            sent += 1;
          }
        }
      } catch (error) {
        console.log(`shooting ended: ${String(error)}`);
        return sent;
      }
    }
    return sent;
  }, shots);
}

/** Alice and Bob have not noticed anything, and go on. */
async function assertPeace(alice: BrowserClient, bob: BrowserClient): Promise<void> {
  const text = `still here ${Math.random()}`;
  await alice.run(
    (c, t) => c.room.localParticipant.publishData(new TextEncoder().encode(t), { reliable: true }),
    text,
  );
  await bob.event('dataReceived', [text, 'alice']);
  await bob.sees('alice');
  for (const client of [alice, bob]) {
    const names = await client.run((c) => c.events.map((event) => event.name));
    assert.deepEqual(
      names.filter((name) => /reconnect|^disconnected/i.test(name)),
      [],
    );
  }
}

/** Everybody goes; nothing may be left. */
async function assertNothingLeft(room: string): Promise<void> {
  await suite.api.deleteRoom(room);
  await untilNoObjects(suite.server);
  log += suite.server.takeLog();
}

const packet = (fields: Partial<DataPacket>): string =>
  Buffer.from(new DataPacket(fields).toBinary()).toString('base64');
const user = (bytes: number, more: Partial<UserPacket> = {}): string =>
  packet({
    value: { case: 'user', value: new UserPacket({ payload: new Uint8Array(bytes), ...more }) },
  });
const dataEvents = (client: BrowserClient): Promise<number> =>
  client.run((c) => c.seen('dataReceived').length);

test('channels with labels that nobody knows, and more than anybody needs', options, async () => {
  const { room, alice, bob, mallory } = await scene();
  const noise = Array.from({ length: 150 }, (_, i) => randomBytes(i * 3).toString('base64'));
  for (const label of ['evil', '', '_reliable ', '__proto__', 'x'.repeat(60_000), '\0\r\n']) {
    await shoot(mallory, { label, messages: noise });
  }
  await shoot(mallory, { label: 'many', messages: [user(10)], channels: 60 });
  assert.equal(await dataEvents(bob), 0);
  await assertPeace(alice, bob);
  await assertNothingLeft(room);
});

test('messages that are no DataPacket, or one that only the server sends', options, async () => {
  const { room, alice, bob, mallory } = await scene();
  const good = Buffer.from(user(300), 'base64');
  const messages = [
    '',
    ...Array.from({ length: 40 }, () => randomBytes(200).toString('base64')),
    ...Array.from({ length: 40 }, (_, i) => good.subarray(0, i * 7).toString('base64')),
    Buffer.alloc(100_000, 0x0b).toString('base64'),
    packet({
      value: {
        case: 'speaker',
        value: new ActiveSpeakerUpdate({ speakers: [new SpeakerInfo({ sid: 'PA_x', level: 1 })] }),
      },
    }),
    packet({ destinationIdentities: Array.from({ length: 20_000 }, (_, i) => `p${i}`) }),
    packet({ destinationIdentities: ['__proto__', ''], participantIdentity: 'alice' }),
  ];
  for (const label of ['_reliable', '_lossy', '_data_track']) {
    await shoot(mallory, { label, messages });
  }
  await sleep(300);
  const senders = await bob.run((c) => c.seen('dataReceived').map((event) => event.args[1]));
  assert.ok(!senders.includes('alice'), 'somebody spoke in the name of somebody else');
  await assertPeace(alice, bob);
  await assertNothingLeft(room);
});

test(
  'the largest message arrives, and one that grows beyond it on its way harms nobody',
  options,
  async () => {
    const { room, alice, bob, mallory } = await scene();
    // What it is to become is larger: the server adds who sends it.
    const largest = 262_144;
    const overhead = Buffer.from(user(200_000), 'base64').byteLength - 200_000;
    const messages = [user(261_000), user(largest - overhead), user(1000)];
    assert.equal(await shoot(mallory, { label: '_reliable', messages }), 3);
    await bob.until('the first and the last', (c) => c.seen('dataReceived').length >= 2);
    await assertPeace(alice, bob);
    // Chromium does not send more than 256 KiB, whatever it is told that the server takes.
    assert.equal(await shoot(mallory, { label: '_lossy', messages: [user(300_000)] }), 0);
    await assertNothingLeft(room);
  },
);

test('more messages than data_messages_per_second: the rest is dropped', options, async () => {
  const { room, alice, bob, mallory } = await scene();
  const begun = performance.now();
  const sent = await shoot(mallory, { label: '_reliable', messages: [user(100)], repeat: 5000 });
  assert.equal(sent, 5000);
  await sleep(2_000);
  const seconds = (performance.now() - begun) / 1000;
  const received = await dataEvents(bob);
  assert.ok(received > 0 && received <= PER_SECOND * (seconds + 3), `${received} in ${seconds} s`);
  await assertPeace(alice, bob);
  await assertNothingLeft(room);
});
