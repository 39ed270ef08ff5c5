import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DisconnectReason } from '@livekit/protocol';
import type { BrowserClient } from '../support/client';
import { clientSuite } from '../support/client-suite';
import { testsOwnServer } from '../support/server';
import { startRelay } from '../support/tcp-relay';
import { sleep } from '../support/wait';

const suite = clientSuite();
const options = { timeout: 60_000 };

/** Alice and Bob, each with a small camera and a tone, both seen and heard before anything happens. */
async function call(
  url?: string,
): Promise<{ alice: BrowserClient; bob: BrowserClient; room: string }> {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice', url ? { url } : {});
  const bob = await suite.join(room, 'bob');
  for (const client of [alice, bob]) {
    await client.run(async (c) => {
      await c.publishPicture({ picture: { width: 320, height: 180 }, simulcast: false });
      await c.publishTone();
    });
  }
  await flows(alice, bob);
  return { alice, bob, room };
}

/** Frames are decoded and sound is played in both directions, from now on. */
async function flows(alice: BrowserClient, bob: BrowserClient, timeoutMs = 15_000): Promise<void> {
  await Promise.all([
    alice.sees('bob', 'camera', { timeoutMs }),
    bob.sees('alice', 'camera', { timeoutMs }),
    alice.hears('bob', 'microphone', timeoutMs),
    bob.hears('alice', 'microphone', timeoutMs),
  ]);
}

const participantSid = (client: BrowserClient): Promise<string> =>
  client.run((c) => c.room.localParticipant.sid);

const simulate = (client: BrowserClient, scenario: string, argument?: number): Promise<void> =>
  client.run(
    (c, [s, a]) => c.room.simulateScenario(s as Parameters<typeof c.room.simulateScenario>[0], a),
    [scenario, argument] as const,
  );

// The session is kept: same sid, no leave seen by others.
for (const scenario of ['signal-reconnect']) {
  test(`${scenario}: the session is resumed and media goes on`, options, async () => {
    const { alice, bob } = await call();
    const sid = await participantSid(alice);
    await alice.forgetEvents();
    await bob.forgetEvents();
    await simulate(alice, scenario);
    await alice.event('reconnected', [], 20_000);
    await flows(alice, bob);
    assert.equal(await participantSid(alice), sid);
    assert.deepEqual(await bob.run((c) => c.seen('participantDisconnected')), []);
  });
}

// The signal connection is lost while it is being resumed; whether the session survives is the
// server's choice, that media comes back is not.
for (const scenario of ['disconnect-signal-on-resume', 'disconnect-signal-on-resume-no-messages']) {
  test(`${scenario}: media comes back`, options, async () => {
    const { alice, bob } = await call();
    await alice.forgetEvents();
    await simulate(alice, scenario);
    await alice.event('reconnected', [], 30_000);
    await flows(alice, bob, 20_000);
  });
}

// The session is new: another sid, tracks published again.
// livekit-server itself knows no 'leave-full-reconnect'.
const rejoins = ['full-reconnect', 'resume-reconnect'];
if (testsOwnServer) rejoins.push('leave-full-reconnect');
for (const scenario of rejoins) {
  test(`${scenario}: the participant joins anew and media comes back`, options, async () => {
    const { alice, bob } = await call();
    const sid = await participantSid(alice);
    await alice.forgetEvents();
    await simulate(alice, scenario);
    await alice.event('reconnected', [], 30_000);
    await flows(alice, bob, 20_000);
    assert.notEqual(await participantSid(alice), sid);
    assert.deepEqual(await bob.run((c) => [...c.room.remoteParticipants.keys()]), ['alice']);
  });
}

for (const scenario of ['migration', 'node-failure']) {
  test(`${scenario}: media comes back`, options, async () => {
    const { alice, bob } = await call();
    await alice.forgetEvents();
    await simulate(alice, scenario);
    await alice.event('reconnected', [], 30_000);
    await flows(alice, bob, 20_000);
  });
}

test('force-tcp: media goes over TCP afterwards', options, async () => {
  const { alice, bob } = await call();
  await alice.forgetEvents();
  await simulate(alice, 'force-tcp');
  await alice.event('reconnected', [], 30_000);
  await flows(alice, bob, 20_000);
  const protocol = await alice.run(async (c) => {
    const sender = c.localTrack('camera')?.sender;
    const pair = sender?.transport?.iceTransport.getSelectedCandidatePair();
    return pair?.remote?.protocol;
  });
  assert.equal(protocol, 'tcp');
});

test('server-leave: the participant is put out and told why', options, async () => {
  const { alice, bob } = await call();
  await simulate(alice, 'server-leave');
  await alice.event('disconnected', [DisconnectReason.SERVER_SHUTDOWN]);
  await bob.event('participantDisconnected', ['alice']);
});

test('speaker: invented speakers are announced', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  const bob = await suite.join(room, 'bob');
  // Who is not subscribed to somebody is not told that it speaks.
  await alice.run((c) => c.publishPicture({ picture: { width: 320, height: 180 } }));
  await bob.sees('alice');
  await simulate(alice, 'speaker');
  await bob.event('activeSpeakersChanged', [['alice']]);
});

// livekit-server takes the figure and goes on sending the top layer.
if (testsOwnServer) {
  test(
    'subscriber-bandwidth: a viewer with little gets a lower layer, and the top one again',
    options,
    async () => {
      const room = suite.roomName();
      const alice = await suite.join(room, 'alice');
      const bob = await suite.join(room, 'bob');
      await alice.run((c) => c.publishPicture());
      await bob.sees('alice', 'camera', { width: 1280 });
      await simulate(bob, 'subscriber-bandwidth', 60_000);
      await bob.until(
        'a lower layer',
        async (c) => ((await c.inbound('alice', 'camera'))?.width ?? 1280) < 1280,
        15_000,
      );
      await bob.sees('alice');
      await simulate(bob, 'subscriber-bandwidth', 0);
      await bob.sees('alice', 'camera', { width: 1280, timeoutMs: 20_000 });
    },
  );
}

test('a WebSocket that is cut from outside is resumed, media never stops', options, async () => {
  const { hostname, port } = new URL(suite.server.httpUrl);
  const relay = await startRelay(hostname, Number(port));
  try {
    const { alice, bob } = await call(`ws://127.0.0.1:${relay.port}`);
    const sid = await participantSid(alice);
    await alice.forgetEvents();
    await bob.forgetEvents();
    assert.ok(relay.cut() > 0, 'there was no connection to cut');
    await alice.event('signalReconnecting');
    await bob.sees('alice', 'camera', { frames: 5, timeoutMs: 2_000 });
    await alice.event('reconnected', [], 20_000);
    await flows(alice, bob);
    assert.equal(await participantSid(alice), sid);
    assert.deepEqual(await bob.run((c) => c.seen('participantDisconnected')), []);
  } finally {
    await relay.close();
  }
});

test('what happened while the WebSocket was away is told after the resume', options, async () => {
  const { hostname, port } = new URL(suite.server.httpUrl);
  const relay = await startRelay(hostname, Number(port));
  try {
    const { alice, bob, room } = await call(`ws://127.0.0.1:${relay.port}`);
    await alice.forgetEvents();
    relay.cut();
    await Promise.all([
      bob.leave(),
      suite.api.updateRoomMetadata(room, 'changed meanwhile'),
      suite.join(room, 'carol'),
    ]);
    await alice.event('reconnected', [], 20_000);
    await alice.until(
      'only carol',
      (c) => [...c.room.remoteParticipants.keys()].join() === 'carol',
      15_000,
    );
    await alice.until('the metadata', (c) => c.room.metadata === 'changed meanwhile');
  } finally {
    await relay.close();
  }
});

test('a resume restarts ICE', options, async () => {
  const { alice, bob } = await call();
  const credentials = (): Promise<string> =>
    suite.page.page.evaluate(() =>
      window.peers
        .filter((peer) => peer.connectionState === 'connected')
        .map((peer) => /a=ice-ufrag:(.+)/.exec(peer.localDescription?.sdp ?? '')?.[1])
        .join(),
    );
  const before = await credentials();
  await simulate(alice, 'signal-reconnect');
  await alice.event('reconnected', [], 20_000);
  await flows(alice, bob);
  assert.ok(before);
  assert.notEqual(await credentials(), before);
});

test('data sent while the WebSocket is away arrives', options, async () => {
  const { alice, bob } = await call();
  const send = (from: BrowserClient, text: string): Promise<void> =>
    from.run(
      (c, t) =>
        c.room.localParticipant.publishData(new TextEncoder().encode(t), { reliable: true }),
      text,
    );
  await simulate(alice, 'signal-reconnect', 500);
  await send(bob, 'to the one who is away');
  await alice.event('reconnected', [], 20_000);
  await sleep(200);
  await send(alice, 'back again');
  await alice.event('dataReceived', ['to the one who is away']);
  await bob.event('dataReceived', ['back again']);
});
