import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { dispose, VideoCodec } from '@livekit/rtc-node';
import type { BrowserClient } from '../support/client';
import { clientSuite } from '../support/client-suite';
import { NodeClient } from '../support/rtc-node';
import { until } from '../support/wait';
import { holderOf } from './support/worker-processes';

/** Each participant counts for two tracks at least, so that each one has a worker of its own. */
const suite = clientSuite({
  workers: 3,
  alwaysOwn: true,
  config: { sluice: { tracks_per_worker: 2 } },
});
const options = { timeout: 90_000 };

// Without this the native library keeps the process alive.
after(() => dispose());

/** The UDP port that it receives from: one worker's. */
const portOf = (client: BrowserClient): Promise<number> =>
  client.until('where it receives from', (c) => {
    const { transport } = c.remote('alice', 'camera')?.track?.receiver ?? {};
    return transport?.iceTransport.getSelectedCandidatePair()?.remote?.port;
  }) as Promise<number>;

/** How many objects of a kind there are in all workers. */
async function objects(kind: string): Promise<number> {
  const response = await fetch(suite.server.own?.metricsUrl ?? '');
  const line = new RegExp(`^sluice_media_objects\\{.*"${kind}".*\\} (\\d+)$`, 'm');
  return Number(line.exec(await response.text())?.[1]);
}

/** Alice publishes; bob and carol are on other workers than she, and than each other. */
async function call(dynacast = false): Promise<Record<'alice' | 'bob' | 'carol', BrowserClient>> {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice', { room: { dynacast } });
  await alice.run(async (c) => {
    await c.publishPicture();
    await c.publishTone();
  });
  await alice.until('the top layer to be sent', async (c) =>
    (await c.outbound('camera')).some((layer) => layer.width === 1280 && layer.framesEncoded > 5),
  );
  const bob = await suite.join(room, 'bob');
  const carol = await suite.join(room, 'carol');
  assert.notEqual(await portOf(bob), await portOf(carol), 'bob and carol are on different workers');
  return { alice, bob, carol };
}

const VIEW = { width: 1280, height: 720 };

test(
  'viewers on other workers see, hear and choose a size like those at home',
  options,
  async () => {
    const { alice, bob, carol } = await call(true);
    await Promise.all([
      bob.sees('alice', 'camera', VIEW),
      carol.sees('alice', 'camera', VIEW),
      bob.hears('alice'),
      carol.hears('alice'),
    ]);
    const choose = (client: BrowserClient, quality: 0 | 1 | 2): Promise<void> =>
      client.run((c, q) => c.remote('alice', 'camera')?.setVideoQuality(q), quality);
    await choose(bob, 0);
    await bob.sees('alice', 'camera', { width: 320, height: 180 });
    await carol.sees('alice', 'camera', VIEW);
    await choose(carol, 1);
    await carol.sees('alice', 'camera', { width: 640, height: 360 });
    // Nobody on any worker watches the largest, so that it is not sent.
    const layers = (wanted: string) =>
      until(`layers ${wanted}`, async () => (await alice.activeLayers()).join() === wanted, {
        timeoutMs: 15_000,
      });
    await layers('h,q');
    await choose(bob, 2);
    await bob.sees('alice', 'camera', VIEW);
  },
);

test('mute, speakers, a screen and data reach other workers', options, async () => {
  const { alice, bob, carol } = await call();
  await Promise.all([bob.sees('alice'), carol.sees('alice')]);
  await bob.until('alice to be heard speaking', (c) =>
    c.room.activeSpeakers.some(({ identity }) => identity === 'alice'),
  );
  await alice.run((c) => c.localTrack('camera')?.mute());
  await Promise.all([bob.seesNothing('alice'), carol.seesNothing('alice')]);
  await alice.run((c) => c.localTrack('camera')?.unmute());
  await Promise.all([bob.sees('alice'), carol.sees('alice')]);

  await alice.run(
    async (c) =>
      void (await c.publishPicture({
        source: c.lk.Track.Source.ScreenShare,
        simulcast: false,
        picture: { width: 800, height: 450 },
      })),
  );
  await bob.sees('alice', 'screen_share', { width: 800 });
  await carol.sees('alice', 'screen_share', { width: 800 });
  await alice.run((c) => c.unpublish('screen_share'));
  await bob.event('trackUnpublished', ['screen_share', 'alice']);

  await bob.run(async (c) => {
    const encode = (text: string) => new TextEncoder().encode(text);
    const { localParticipant } = c.room;
    await localParticipant.publishData(encode('for carol'), {
      reliable: true,
      destinationIdentities: ['carol'],
    });
    await localParticipant.publishData(encode('for all'), { reliable: true });
  });
  await carol.event('dataReceived', ['for carol', 'bob']);
  await carol.event('dataReceived', ['for all', 'bob']);
  await alice.event('dataReceived', ['for all', 'bob']);
  const got = await alice.run((c) => c.seen('dataReceived').map((event) => event.args[0]));
  assert.deepEqual(got, ['for all']);
  assert.equal((await bob.run((c) => c.seen('dataReceived'))).length, 0);
});

test('who publishes from another worker is seen at home and beyond', options, async () => {
  const { alice, bob, carol } = await call();
  await carol.run((c) => c.publishPicture({ picture: { width: 320, height: 180 } }));
  await Promise.all([alice.sees('carol'), bob.sees('carol')]);
});

const codecs = [
  ['VP9', VideoCodec.VP9],
  ['AV1', VideoCodec.AV1],
  ['H264', VideoCodec.H264],
] as const;

for (const [name, codec] of codecs) {
  test(
    `${name} and a tone from rtc-node are seen and heard on other workers`,
    options,
    async () => {
      const room = suite.roomName();
      const clients = [new NodeClient(), new NodeClient(), new NodeClient()] as const;
      const [alice, ...viewers] = clients;
      try {
        for (const [i, client] of clients.entries()) {
          await client.connect(suite.server.url, await suite.token(room, `node${i}`));
        }
        assert.ok((await objects('router')) >= 3, 'the Room is on three workers');
        await alice.publishVideo({ codec, width: 640, height: 360 });
        await alice.publishTone();
        for (const viewer of viewers) {
          await Promise.all([viewer.sees('node0', 10, 20_000), viewer.hears('node0')]);
        }
      } finally {
        await Promise.allSettled(clients.map((client) => client.leave()));
      }
    },
  );
}

test('a viewer on another worker resumes where it was', options, async () => {
  const { alice, bob } = await call();
  await bob.sees('alice');
  const port = await portOf(bob);
  await bob.forgetEvents();
  await bob.run((c) => c.room.simulateScenario('signal-reconnect'));
  await bob.event('reconnected', [], 20_000);
  await bob.sees('alice');
  assert.equal(await portOf(bob), port);
  assert.deepEqual(await alice.run((c) => c.seen('participantDisconnected')), []);
});

test(
  'a viewer comes and goes, and nothing is left of pipes when all are gone',
  options,
  async () => {
    const { alice, bob, carol } = await call();
    await Promise.all([bob.sees('alice'), carol.sees('alice')]);
    assert.ok((await objects('router')) >= 3, 'the Room is on three workers');
    await bob.run((c) => c.remote('alice', 'camera')?.setSubscribed(false));
    await bob.event('trackUnsubscribed');
    await bob.run((c) => c.remote('alice', 'camera')?.setSubscribed(true));
    await bob.sees('alice');
    await bob.leave();
    await carol.sees('alice');
    await Promise.all([alice.leave(), carol.leave()]);
    for (const room of await suite.api.listRooms()) await suite.api.deleteRoom(room.name);
    for (const kind of ['router', 'transport', 'producer', 'consumer', 'data_producer']) {
      await until(`no ${kind}`, async () => (await objects(kind)) === 0);
    }
  },
);

test('a worker that dies takes along only those who receive from it', options, async () => {
  const { alice, bob, carol } = await call();
  await Promise.all([bob.sees('alice'), carol.sees('alice')]);
  for (const client of [alice, bob, carol]) await client.forgetEvents();
  const port = await portOf(bob);
  const pid = await holderOf(port, suite.server.own?.pid ?? 0);
  assert.ok(pid !== undefined, `no worker has port ${port}`);
  process.kill(pid, 'SIGKILL');
  await bob.event('reconnected', [], 20_000);
  await Promise.all([bob.sees('alice'), bob.hears('alice'), carol.sees('alice')]);
  for (const client of [alice, carol]) {
    const names = await client.run((c) => c.events.map((event) => event.name));
    assert.deepEqual(
      names.filter((name) => /reconnect|disconnected$|trackUnsubscribed/i.test(name)),
      [],
    );
  }
});
