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
  const sound = await bob.hears('alice');
  assert.equal(sound.codec, 'audio/opus');
  assert.deepEqual(await alice.activeLayers('camera'), ['f', 'h', 'q']);
  const info = await bob.run((c) => c.remote('alice', 'camera')?.trackInfo?.toJson());
  assert.ok(info && typeof info === 'object' && 'layers' in info && Array.isArray(info.layers));
  assert.equal(info.layers.length, 3);
});

test('a camera without simulcast reaches the other side', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  const bob = await suite.join(room, 'bob');
  await alice.run((c) => c.publishPicture({ simulcast: false }));
  await bob.sees('alice', 'camera', { width: 1280, height: 720 });
});

for (const codec of ['h264', 'vp9', 'av1'] as const) {
  const how = codec === 'h264' ? 'simulcast' : 'SVC';
  test(`camera in ${codec.toUpperCase()} ${how} reaches the other side`, options, async () => {
    const room = suite.roomName();
    const alice = await suite.join(room, 'alice');
    const bob = await suite.join(room, 'bob');
    await alice.run((c, videoCodec) => c.publishPicture({ videoCodec, backupCodec: false }), codec);
    // How many spatial layers there are depends on the sender's estimate of its bandwidth.
    const size = codec === 'h264' ? { width: 1280, height: 720 } : {};
    const picture = await bob.sees('alice', 'camera', size);
    assert.equal(picture.codec, `video/${codec.toUpperCase()}`);
    const sent = await alice.outbound('camera');
    if (codec === 'h264') assert.equal(sent.length, 3);
    else assert.match(sent[0]?.scalabilityMode ?? '', /^L3T3/);
  });
}

test('a published codec is announced, whatever its layers', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  const bob = await suite.join(room, 'bob');
  await alice.run((c) => c.publishPicture({ videoCodec: 'vp9', backupCodec: false }));
  await bob.sees('alice');
  const mime = await bob.run((c) => c.remote('alice', 'camera')?.mimeType);
  assert.equal(mime?.toLowerCase(), 'video/vp9');
});

test('a viewer without VP9 gets the backup codec', options, async () => {
  const room = suite.roomName();
  const page = await suite.openPage();
  await page.page.evaluate(() => {
    const getCapabilities = RTCRtpReceiver.getCapabilities.bind(RTCRtpReceiver);
    RTCRtpReceiver.getCapabilities = (kind) => {
      const all = getCapabilities(kind);
      return all && { ...all, codecs: all.codecs.filter((c) => c.mimeType !== 'video/VP9') };
    };
    // What the library prefers is one thing; what the browser answers must leave VP9 out as well.
    const setRemote = RTCPeerConnection.prototype.setRemoteDescription;
    RTCPeerConnection.prototype.setRemoteDescription = async function (description) {
      await Reflect.apply(setRemote, this, [description]);
      const codecs = getCapabilities('video')?.codecs.filter((c) => c.mimeType !== 'video/VP9');
      for (const transceiver of this.getTransceivers()) {
        if (transceiver.receiver.track.kind !== 'video') continue;
        if (description.type === 'offer') transceiver.setCodecPreferences(codecs ?? []);
      }
    };
    const addTransceiver = RTCPeerConnection.prototype.addTransceiver;
    RTCPeerConnection.prototype.addTransceiver = function (track, init) {
      const transceiver = addTransceiver.call(this, track, init);
      const codecs = getCapabilities('video')?.codecs.filter((c) => c.mimeType !== 'video/VP9');
      if (transceiver.receiver.track.kind === 'video') {
        transceiver.setCodecPreferences(codecs ?? []);
      }
      return transceiver;
    };
  });
  const alice = await suite.join(room, 'alice', { room: { dynacast: true } });
  const bob = await suite.join(room, 'bob', { page });
  await alice.run((c) => c.publishPicture({ videoCodec: 'vp9', backupCodec: { codec: 'vp8' } }));
  const picture = await bob.sees('alice', 'camera', { timeoutMs: 15_000 });
  assert.equal(picture.codec, 'video/VP8');
});

test('a screen and its sound arrive beside the camera', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  const bob = await suite.join(room, 'bob');
  await alice.run(async (c) => {
    const { ScreenShare, ScreenShareAudio } = c.lk.Track.Source;
    await c.publishPicture({ picture: { width: 640, height: 360 }, simulcast: false });
    await c.publishPicture({ source: ScreenShare, simulcast: false });
    await c.publishTone({ source: ScreenShareAudio });
  });
  await bob.sees('alice', 'screen_share', { width: 1280, height: 720 });
  await bob.sees('alice', 'camera', { width: 640, height: 360 });
  await bob.hears('alice', 'screen_share_audio');
});

test('mute stops the picture, unmute brings it back', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  const bob = await suite.join(room, 'bob');
  await alice.run((c) => c.publishPicture());
  await bob.sees('alice');
  await alice.run(async (c) => void (await c.localTrack('camera')?.mute()));
  await bob.event('trackMuted', ['camera', 'alice']);
  await bob.seesNothing('alice');
  await alice.run(async (c) => void (await c.localTrack('camera')?.unmute()));
  await bob.event('trackUnmuted', ['camera', 'alice']);
  await bob.sees('alice');
});

test('mute silences the microphone, unmute brings it back', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  const bob = await suite.join(room, 'bob');
  await alice.run((c) => c.publishTone());
  await bob.hears('alice');
  await alice.run(async (c) => void (await c.localTrack('microphone')?.mute()));
  await bob.event('trackMuted', ['microphone', 'alice']);
  await alice.run(async (c) => void (await c.localTrack('microphone')?.unmute()));
  await bob.event('trackUnmuted', ['microphone', 'alice']);
  await bob.hears('alice');
});

test('a track published muted plays once it is unmuted', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  await alice.run(async (c) => {
    await c.publishPicture();
    await c.localTrack('camera')?.mute();
  });
  const bob = await suite.join(room, 'bob');
  await bob.until('the muted track', (c) => c.remote('alice', 'camera')?.isMuted === true);
  await alice.run(async (c) => void (await c.localTrack('camera')?.unmute()));
  await bob.sees('alice');
});

test('what is unpublished disappears, what is published again plays', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  const bob = await suite.join(room, 'bob');
  for (let round = 0; round < 3; round++) {
    await alice.run((c) => c.publishPicture());
    await bob.sees('alice');
    await bob.forgetEvents();
    await alice.run((c) => c.unpublish('camera'));
    await bob.event('trackUnsubscribed', ['camera', 'camera', 'alice']);
    await bob.event('trackUnpublished', ['camera', 'alice']);
  }
});

test('a replaced track goes on in the same publication', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  const bob = await suite.join(room, 'bob');
  const sid = await alice.run((c) =>
    c.publishPicture({ picture: { width: 640, height: 360, colour: 'rgb(200, 0, 0)' } }),
  );
  await bob.sees('alice', 'camera', { width: 640 });
  await bob.until('a red picture', (c) => (c.colour('alice', 'camera')?.[0] ?? 0) > 150);
  await alice.run(async (c) => {
    const other = await c.picture({ width: 640, height: 360, colour: 'rgb(0, 0, 200)' });
    await c.localTrack('camera')?.replaceTrack(other, { userProvidedTrack: true });
  });
  await bob.until('a blue picture', (c) => (c.colour('alice', 'camera')?.[2] ?? 0) > 150);
  assert.equal(await bob.run((c) => c.remote('alice', 'camera')?.trackSid), sid);
});

test('Opus comes with DTX unless it is turned off, and in stereo when asked', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  const bob = await suite.join(room, 'bob');
  await alice.run((c) => c.publishTone({ dtx: true, forceStereo: false }));
  await bob.hears('alice');
  const [speech] = await alice.outbound('microphone');
  assert.match(speech?.fmtp ?? '', /usedtx=1/);
  await alice.run((c) => c.unpublish('microphone'));
  await alice.run((c) => c.publishTone({ dtx: false, forceStereo: true, channels: 2 }));
  await bob.hears('alice');
  const [music] = await alice.outbound('microphone');
  assert.match(music?.fmtp ?? '', /stereo=1/);
  assert.doesNotMatch(music?.fmtp ?? '', /usedtx=1/);
});

test('end-to-end encrypted media is decoded with the passphrase only', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice', { passphrase: 'open sesame' });
  const bob = await suite.join(room, 'bob', { passphrase: 'open sesame' });
  await alice.run((c) => Promise.all([c.publishPicture(), c.publishTone()]));
  await bob.sees('alice');
  await bob.hears('alice');
  assert.equal(await bob.run((c) => c.remote('alice', 'camera')?.isEncrypted), true);
  const eve = await suite.join(room, 'eve');
  await eve.event('trackSubscribed', ['camera', 'camera', 'alice']);
  const received = await eve.until('packets', async (c) => {
    const inbound = await c.inbound('alice', 'camera');
    return (inbound?.packets ?? 0) > 50 && inbound;
  });
  assert.ok(received && received.framesDecoded === 0, 'eve decoded an encrypted picture');
});
