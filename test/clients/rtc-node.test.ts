import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { dispose, RoomEvent, VideoCodec } from '@livekit/rtc-node';
import { clientSuite } from '../support/client-suite';
import { NodeClient } from '../support/rtc-node';
import { sleep, until } from '../support/wait';

const suite = clientSuite();
const options = { timeout: 40_000 };
const joined: NodeClient[] = [];

async function join(room: string, identity: string): Promise<NodeClient> {
  const client = new NodeClient();
  joined.push(client);
  await client.connect(suite.server.url, await suite.token(room, identity));
  return client;
}

afterEach(async () => {
  await Promise.allSettled(joined.splice(0).map((client) => client.leave()));
});

// Without this the native library keeps the process alive.
after(() => dispose());

const codecs = [
  ['VP8', VideoCodec.VP8, 'vp8'],
  ['H264', VideoCodec.H264, 'h264'],
  ['VP9', VideoCodec.VP9, 'vp9'],
  ['AV1', VideoCodec.AV1, 'av1'],
] as const;

for (const [name, codec] of codecs) {
  test(`${name} and a tone from rtc-node are seen and heard in Chromium`, options, async () => {
    const room = suite.roomName();
    const robot = await join(room, 'robot');
    const alice = await suite.join(room, 'alice');
    await robot.publishVideo({ codec });
    await robot.publishTone();
    const picture = await alice.sees('robot', 'camera', { timeoutMs: 15_000 });
    assert.equal(picture.codec, `video/${name}`);
    await alice.hears('robot');
  });
}

for (const [name, , videoCodec] of codecs) {
  test(`${name} and a tone from Chromium are seen and heard in rtc-node`, options, async () => {
    const room = suite.roomName();
    const robot = await join(room, 'robot');
    const alice = await suite.join(room, 'alice');
    await alice.run(
      (c, codec) =>
        Promise.all([c.publishPicture({ videoCodec: codec, backupCodec: false }), c.publishTone()]),
      videoCodec,
    );
    const seen = await robot.sees('alice');
    assert.ok(seen.width > 0 && seen.height > 0);
    await robot.hears('alice');
  });
}

test('two rtc-node clients see and hear each other', options, async () => {
  const room = suite.roomName();
  const [first, second] = [await join(room, 'first'), await join(room, 'second')];
  await first.publishVideo({ codec: VideoCodec.VP8 });
  await second.publishVideo({ codec: VideoCodec.H264 });
  await first.publishTone();
  await second.publishTone();
  await Promise.all([first.sees('second'), second.sees('first')]);
  await Promise.all([first.hears('second'), second.hears('first')]);
});

test('data and RPC work between rtc-node and Chromium', options, async () => {
  const room = suite.roomName();
  const robot = await join(room, 'robot');
  const alice = await suite.join(room, 'alice');
  const got: string[] = [];
  robot.room.on(RoomEvent.DataReceived, (payload) => got.push(new TextDecoder().decode(payload)));
  robot.room.localParticipant?.registerRpcMethod(
    'double',
    async ({ payload }) => payload + payload,
  );
  await alice.run((c) =>
    c.room.localParticipant.publishData(new TextEncoder().encode('from the page'), {
      reliable: true,
    }),
  );
  await until('the data', () => got.includes('from the page'));
  await robot.room.localParticipant?.publishData(new TextEncoder().encode('from Node'), {
    reliable: true,
  });
  await alice.event('dataReceived', ['from Node']);
  const answer = await alice.run((c) =>
    c.room.localParticipant.performRpc({
      destinationIdentity: 'robot',
      method: 'double',
      payload: 'ab',
    }),
  );
  assert.equal(answer, 'abab');
});

test(
  '50 lossy messages of 8 kB in a quarter of a second arrive on a free network',
  options,
  async () => {
    const room = suite.roomName();
    const sender = await join(room, 'sender');
    const receiver = await join(room, 'receiver');
    let got = 0;
    receiver.room.on(RoomEvent.DataReceived, () => {
      got++;
    });
    // The first message opens the channel, so that the burst measures the server and not the start.
    const send = (bytes: number) =>
      sender.room.localParticipant?.publishData(new Uint8Array(bytes), { reliable: false });
    await until('the channel to be open', async () => {
      await send(1);
      return got > 0;
    });
    got = 0;
    // All at once, the sender drops some by itself, whatever the server.
    for (let i = 0; i < 50; i++) {
      await send(8_000);
      await sleep(5);
    }
    await until('50 messages', () => got >= 50, { timeoutMs: 5_000, explain: () => `got ${got}` });
  },
);
