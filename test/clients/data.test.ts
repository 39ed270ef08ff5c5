import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataPacket_Kind } from '@livekit/protocol';
import { clientSuite } from '../support/client-suite';

const suite = clientSuite();
const options = { timeout: 30_000 };

/** Reliable, lossy: args of dataReceived are payload, participant, kind, topic, encryption, identity. */
for (const reliable of [true, false]) {
  const how = reliable ? 'reliable' : 'lossy';
  test(`${how} data reaches everybody but the sender, with its topic`, options, async () => {
    const room = suite.roomName();
    const alice = await suite.join(room, 'alice');
    const bob = await suite.join(room, 'bob');
    const carol = await suite.join(room, 'carol');
    await alice.event('participantActive', ['carol']);
    await alice.run(
      (c, r) =>
        c.room.localParticipant.publishData(new TextEncoder().encode('hello'), {
          reliable: r,
          topic: 'greeting',
        }),
      reliable,
    );
    const kind = reliable ? DataPacket_Kind.RELIABLE : DataPacket_Kind.LOSSY;
    for (const client of [bob, carol]) {
      await client.event('dataReceived', ['hello', 'alice', kind, 'greeting']);
    }
    assert.equal((await alice.run((c) => c.seen('dataReceived'))).length, 0);
  });
}

test('addressed data reaches only whom it names', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  const bob = await suite.join(room, 'bob');
  const carol = await suite.join(room, 'carol');
  await alice.event('participantActive', ['carol']);
  await alice.run(async (c) => {
    const encode = (text: string) => new TextEncoder().encode(text);
    const { localParticipant } = c.room;
    await localParticipant.publishData(encode('for bob'), {
      reliable: true,
      destinationIdentities: ['bob'],
    });
    await localParticipant.publishData(encode('for all'), { reliable: true });
  });
  await carol.event('dataReceived', ['for all', 'alice']);
  await bob.event('dataReceived', ['for all', 'alice']);
  const texts = (events: { args: readonly unknown[] }[]) => events.map((event) => event.args[0]);
  assert.deepEqual(texts(await carol.run((c) => c.seen('dataReceived'))), ['for all']);
  assert.deepEqual(texts(await bob.run((c) => c.seen('dataReceived'))), ['for bob', 'for all']);
});

test('data sent right after joining arrives', options, async () => {
  const room = suite.roomName();
  const bob = await suite.join(room, 'bob');
  const alice = await suite.join(room, 'alice');
  await alice.run((c) =>
    c.room.localParticipant.publishData(new TextEncoder().encode('early'), { reliable: true }),
  );
  await bob.event('dataReceived', ['early']);
});

test('reliable messages arrive whole and in order', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  const bob = await suite.join(room, 'bob');
  await alice.event('participantActive', ['bob']);
  await alice.run(async (c) => {
    for (let i = 0; i < 100; i++) {
      const text = `${i}:${'x'.repeat(1_000)}`;
      await c.room.localParticipant.publishData(new TextEncoder().encode(text), { reliable: true });
    }
  });
  await bob.until('100 messages', (c) => c.seen('dataReceived').length >= 100);
  const order = await bob.run((c) =>
    c.seen('dataReceived').map((event) => Number(String(event.args[0]).split(':')[0])),
  );
  assert.deepEqual(
    order,
    Array.from({ length: 100 }, (_, i) => i),
  );
});

test('a message of 60 kB arrives whole', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  const bob = await suite.join(room, 'bob');
  await alice.event('participantActive', ['bob']);
  await alice.run((c) =>
    c.room.localParticipant.publishData(new Uint8Array(60_000).fill(97), { reliable: true }),
  );
  await bob.until('the message', (c) =>
    c.seen('dataReceived').some((event) => String(event.args[0]).length === 60_000),
  );
});

test('an RPC is answered, its error carried, and a missing method named', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  const bob = await suite.join(room, 'bob');
  await alice.event('participantActive', ['bob']);
  await bob.run((c) => {
    c.room.registerRpcMethod(
      'greet',
      async (data) => `hello ${data.callerIdentity} ${data.payload}`,
    );
    c.room.registerRpcMethod('fail', async () => {
      throw new c.lk.RpcError(123, 'no luck', 'details');
    });
  });
  const call = (method: string, payload: string) =>
    alice.run(
      async (c, [m, p]) => {
        const request = { destinationIdentity: 'bob', method: m, payload: p };
        try {
          return { answer: await c.room.localParticipant.performRpc(request) };
        } catch (error) {
          if (!(error instanceof c.lk.RpcError)) throw error;
          return { code: error.code, message: error.message, data: error.data };
        }
      },
      [method, payload] as const,
    );
  assert.deepEqual(await call('greet', 'you'), { answer: 'hello alice you' });
  assert.deepEqual(await call('fail', ''), { code: 123, message: 'no luck', data: 'details' });
  assert.equal((await call('missing', '')).code, 1400);
  const large = await call('greet', 'x'.repeat(14_000));
  assert.equal(large.answer?.length, 14_000 + 'hello alice '.length);
});

test('text and byte streams arrive whole', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  const bob = await suite.join(room, 'bob');
  await alice.event('participantActive', ['bob']);
  await bob.run((c) => {
    c.room.registerTextStreamHandler('text', (reader, { identity }) => {
      void reader.readAll().then((text) => {
        c.events.push({ name: 'text', args: [identity, text], at: 0 });
      });
    });
    c.room.registerByteStreamHandler('bytes', (reader, { identity }) => {
      void reader.readAll().then((chunks) => {
        const length = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
        c.events.push({ name: 'bytes', args: [identity, length], at: 0 });
      });
    });
  });
  await alice.run(async (c) => {
    await c.room.localParticipant.sendText('a long story '.repeat(5_000), { topic: 'text' });
    const writer = await c.room.localParticipant.streamBytes({ name: 'blob', topic: 'bytes' });
    for (let i = 0; i < 10; i++) await writer.write(new Uint8Array(30_000).fill(i));
    await writer.close();
  });
  await bob.event('text', ['alice', 'a long story '.repeat(5_000)]);
  await bob.event('bytes', ['alice', 300_000]);
});

test('data from the server API reaches all, or whom it names', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  const bob = await suite.join(room, 'bob');
  await alice.event('participantActive', ['bob']);
  const encode = (text: string) => new TextEncoder().encode(text);
  await suite.api.sendData(room, encode('only bob'), DataPacket_Kind.RELIABLE, {
    destinationIdentities: ['bob'],
    topic: 'news',
  });
  await suite.api.sendData(room, encode('everybody'), DataPacket_Kind.RELIABLE, {});
  await bob.event('dataReceived', ['only bob', null, DataPacket_Kind.RELIABLE, 'news']);
  await bob.event('dataReceived', ['everybody']);
  await alice.event('dataReceived', ['everybody']);
  assert.equal((await alice.run((c) => c.seen('dataReceived'))).length, 1);
});

test('a data track delivers its frames to who subscribes', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  const bob = await suite.join(room, 'bob');
  await alice.event('participantActive', ['bob']);
  await bob.run((c) => {
    c.room.on(c.lk.RoomEvent.DataTrackPublished, async (track) => {
      const frames = track.subscribe().getReader();
      for (;;) {
        const { value, done } = await frames.read();
        if (done) return;
        const text = new TextDecoder().decode(value.payload);
        c.events.push({ name: 'frame', args: [track.publisherIdentity, text.length], at: 0 });
      }
    });
  });
  await alice.run(async (c) => {
    const track = await c.room.localParticipant.publishDataTrack({ name: 'sensor' });
    let sent = 0;
    const timer = setInterval(() => {
      void track.tryPush({ payload: new Uint8Array(3_000).fill(97) });
      if (++sent === 100) clearInterval(timer);
    }, 50);
  });
  await bob.until('20 frames', (c) => c.seen('frame').length >= 20);
  await bob.event('frame', ['alice', 3_000]);
});
