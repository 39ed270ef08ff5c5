import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BrowserClient } from '../support/client';
import { clientSuite } from '../support/client-suite';
import { sleep } from '../support/wait';

const suite = clientSuite();
const options = { timeout: 40_000 };

/** Alice publishes three layers; who joins after her finds all of them flowing. */
async function publisher(room: string, dynacast = false): Promise<BrowserClient> {
  const alice = await suite.join(room, 'alice', { room: { dynacast } });
  await alice.run((c) => c.publishPicture());
  await alice.until('the top layer to be sent', async (c) =>
    (await c.outbound('camera')).some((layer) => layer.width === 1280 && layer.framesEncoded > 5),
  );
  return alice;
}

test('autoSubscribe false: nothing comes until it is asked for', options, async () => {
  const room = suite.roomName();
  await publisher(room);
  const bob = await suite.join(room, 'bob', { connect: { autoSubscribe: false } });
  await bob.until('the publication', (c) => c.remote('alice', 'camera') !== undefined);
  await sleep(1_000);
  assert.deepEqual(await bob.run((c) => c.seen('trackSubscribed')), []);
  await bob.run((c) => c.remote('alice', 'camera')?.setSubscribed(true));
  await bob.sees('alice');
});

test('setSubscribed takes a track away and brings it back', options, async () => {
  const room = suite.roomName();
  await publisher(room);
  const bob = await suite.join(room, 'bob');
  await bob.sees('alice');
  for (let round = 0; round < 2; round++) {
    await bob.forgetEvents();
    await bob.run((c) => c.remote('alice', 'camera')?.setSubscribed(false));
    await bob.event('trackUnsubscribed', ['camera', 'camera', 'alice']);
    await bob.run((c) => c.remote('alice', 'camera')?.setSubscribed(true));
    await bob.event('trackSubscribed', ['camera', 'camera', 'alice']);
    await bob.sees('alice');
  }
});

test('setEnabled pauses a track and lets it go on', options, async () => {
  const room = suite.roomName();
  await publisher(room);
  const bob = await suite.join(room, 'bob');
  await bob.sees('alice');
  await bob.run((c) => c.remote('alice', 'camera')?.setEnabled(false));
  await bob.seesNothing('alice');
  await bob.run((c) => c.remote('alice', 'camera')?.setEnabled(true));
  await bob.sees('alice');
});

test('setVideoQuality chooses the layer', options, async () => {
  const room = suite.roomName();
  await publisher(room);
  const bob = await suite.join(room, 'bob');
  await bob.sees('alice', 'camera', { width: 1280, height: 720 });
  const choose = (quality: 0 | 1 | 2): Promise<void> =>
    bob.run((c, q) => c.remote('alice', 'camera')?.setVideoQuality(q), quality);
  await choose(0);
  await bob.sees('alice', 'camera', { width: 320, height: 180 });
  await choose(1);
  await bob.sees('alice', 'camera', { width: 640, height: 360 });
  await choose(2);
  await bob.sees('alice', 'camera', { width: 1280, height: 720 });
});

test('setVideoDimensions chooses the smallest layer that fills the picture', options, async () => {
  const room = suite.roomName();
  await publisher(room);
  const bob = await suite.join(room, 'bob');
  await bob.sees('alice', 'camera', { width: 1280 });
  const show = (width: number, height: number): Promise<void> =>
    bob.run(
      (c, [w, h]) => c.remote('alice', 'camera')?.setVideoDimensions({ width: w, height: h }),
      [width, height] as const,
    );
  await show(300, 170);
  await bob.sees('alice', 'camera', { width: 320, height: 180 });
  await show(600, 340);
  await bob.sees('alice', 'camera', { width: 640, height: 360 });
  await show(1280, 720);
  await bob.sees('alice', 'camera', { width: 1280, height: 720 });
});

test('setVideoFPS leaves frames out', options, async () => {
  const room = suite.roomName();
  await publisher(room);
  const bob = await suite.join(room, 'bob');
  await bob.sees('alice', 'camera', { width: 1280 });
  await bob.run((c) => c.remote('alice', 'camera')?.setVideoFPS(5));
  await bob.until(
    'about half of the 15 frames a second',
    async (c) => {
      const start = (await c.inbound('alice', 'camera'))?.framesDecoded ?? 0;
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const fps = (((await c.inbound('alice', 'camera'))?.framesDecoded ?? 0) - start) / 1.5;
      return fps > 1 && fps < 10;
    },
    12_000,
  );
});

test('a viewer on a free network is on the top layer within 2 s', options, async () => {
  const room = suite.roomName();
  await publisher(room);
  const bob = await suite.join(room, 'bob');
  await bob.event('trackSubscribed', ['camera', 'camera', 'alice']);
  await bob.sees('alice', 'camera', { frames: 1, width: 1280, height: 720, timeoutMs: 2_000 });
});

test('an adaptive stream follows the size of the element', options, async () => {
  const room = suite.roomName();
  await publisher(room);
  const bob = await suite.make('bob', { room: { adaptiveStream: { pixelDensity: 1 } } });
  await bob.run((c) => c.resize(320, 180));
  await bob.connect(suite.server.url, await suite.token(room, 'bob'));
  await bob.sees('alice', 'camera', { width: 320, height: 180 });
  await bob.run((c) => c.resize(1280, 720));
  await bob.sees('alice', 'camera', { width: 1280, height: 720 });
  await bob.run((c) => c.resize(320, 180));
  await bob.sees('alice', 'camera', { width: 320, height: 180 });
});

test('an adaptive stream that is hidden stops, and starts when it is shown', options, async () => {
  const room = suite.roomName();
  await publisher(room);
  const bob = await suite.join(room, 'bob', { room: { adaptiveStream: true } });
  await bob.sees('alice');
  await bob.run((c) => c.setVisible(false));
  await bob.seesNothing('alice', 'camera', 1_000, 1_500);
  await bob.run((c) => c.setVisible(true));
  await bob.sees('alice');
});

test('dynacast stops layers that nobody watches and brings them back', options, async () => {
  const room = suite.roomName();
  const alice = await publisher(room, true);
  const bob = await suite.join(room, 'bob');
  await bob.sees('alice', 'camera', { width: 1280 });
  const layersBecome = async (wanted: string[], timeoutMs: number): Promise<void> => {
    const deadline = Date.now() + timeoutMs;
    let last: string[] = [];
    while (Date.now() < deadline) {
      last = await alice.activeLayers();
      if (last.join() === wanted.join()) return;
    }
    assert.deepEqual(last, wanted);
  };
  await bob.run((c) => c.remote('alice', 'camera')?.setVideoQuality(0));
  await bob.sees('alice', 'camera', { width: 320 });
  await layersBecome(['q'], 12_000);
  await bob.run((c) => c.remote('alice', 'camera')?.setVideoQuality(2));
  await bob.sees('alice', 'camera', { width: 1280 });
  await layersBecome(['f', 'h', 'q'], 4_000);
});

test('the owner of a track decides who may subscribe to it', options, async () => {
  const room = suite.roomName();
  const alice = await publisher(room);
  await alice.run((c) => c.room.localParticipant.setTrackSubscriptionPermissions(false, []));
  const bob = await suite.join(room, 'bob');
  await bob.until('the publication', (c) => c.remote('alice', 'camera') !== undefined);
  await sleep(1_000);
  assert.equal((await bob.inbound('alice', 'camera'))?.framesDecoded ?? 0, 0);
  await alice.run((c) =>
    c.room.localParticipant.setTrackSubscriptionPermissions(false, [
      { participantIdentity: 'bob', allowAll: true },
    ]),
  );
  await bob.sees('alice');
  await alice.run((c) => c.room.localParticipant.setTrackSubscriptionPermissions(false, []));
  await bob.event('trackUnsubscribed', ['camera', 'camera', 'alice']);
  await bob.event('trackSubscriptionPermissionChanged', ['camera', 'not_allowed', 'alice']);
});

test('ten rounds of subscribing use the same sections of the SDP', options, async () => {
  const room = suite.roomName();
  await publisher(room);
  const page = await suite.openPage();
  const bob = await suite.join(room, 'bob', { page });
  await bob.sees('alice');
  const sections = (): Promise<number> =>
    page.page.evaluate(() =>
      Math.max(
        ...window.peers
          .filter((peer) => peer.connectionState !== 'closed')
          .map((peer) => (peer.remoteDescription?.sdp.match(/^m=/gm) ?? []).length),
      ),
    );
  const before = await sections();
  for (let round = 0; round < 10; round++) {
    await bob.forgetEvents();
    await bob.run((c) => c.remote('alice', 'camera')?.setSubscribed(false));
    await bob.event('trackUnsubscribed');
    await bob.run((c) => c.remote('alice', 'camera')?.setSubscribed(true));
    await bob.event('trackSubscribed');
  }
  await bob.sees('alice');
  assert.equal(await sections(), before);
});

test('the server API subscribes and unsubscribes for a participant', options, async () => {
  const room = suite.roomName();
  const alice = await publisher(room);
  const sid = await alice.run((c) => c.localTrack('camera')?.sid ?? '');
  const bob = await suite.join(room, 'bob');
  await bob.sees('alice');
  await suite.api.updateSubscriptions(room, 'bob', [sid], false);
  await bob.event('trackUnsubscribed', ['camera', 'camera', 'alice']);
  await suite.api.updateSubscriptions(room, 'bob', [sid], true);
  await bob.sees('alice');
});
