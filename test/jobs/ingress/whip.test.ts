import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  IngressInput,
  IngressState_Status,
  IngressVideoEncodingOptions,
  IngressVideoOptions,
  ParticipantInfo_Kind,
  TrackType,
  VideoLayer,
  VideoQuality,
} from '@livekit/protocol';
import { dispose } from '@livekit/rtc-node';
import { type CreateIngressOptions, IngressClient, type IngressInfo } from 'livekit-server-sdk';
import { clientSuite } from '../../support/client-suite';
import { NodeClient } from '../../support/rtc-node';
import { until } from '../../support/wait';
import { listenForWebhooks, type WebhookListener } from '../../support/webhooks';
import { connectionState, deleteSession, restartIce, sendByWhip } from './whip-page';

describe('WHIP into a Room', () => {
  let webhooks: WebhookListener;
  // What else this machine does is no matter here.
  const config: Record<string, unknown> = {
    sluice: { load_scope: 'processes' },
    ingress: {
      cpu_cost: { whip_cpu_cost: 0, whip_bypass_transcoding_cpu_cost: 0, min_idle_ratio: 0 },
    },
  };
  before(async () => {
    webhooks = await listenForWebhooks();
    config['webhook'] = { urls: [webhooks.url], api_key: 'devkey' };
  });
  const suite = clientSuite({ alwaysOwn: true, config });
  after(async () => {
    await webhooks.close();
    // Without this the native library keeps the process alive.
    await dispose();
  });

  const client = (): IngressClient =>
    new IngressClient(suite.server.httpUrl, suite.server.apiKey, suite.server.apiSecret);
  const whip = (): string => `${suite.server.httpUrl}/whip`;
  const create = (
    room: string,
    identity: string,
    more: Partial<CreateIngressOptions> = {},
  ): Promise<IngressInfo> =>
    client().createIngress(IngressInput.WHIP_INPUT, {
      ...more,
      roomName: room,
      participantIdentity: identity,
      participantName: 'Studio',
      participantMetadata: 'made of whip',
    });
  const stateOf = async ({ ingressId }: IngressInfo) => {
    const [info] = await client().listIngress({ ingressId });
    return info?.state;
  };
  const untilStatus = (info: IngressInfo, status: IngressState_Status, timeoutMs = 10_000) =>
    until(
      `${info.ingressId} to be ${IngressState_Status[status]}`,
      async () => (await stateOf(info))?.status === status,
      { timeoutMs },
    );
  const watch = async (room: string): Promise<NodeClient> => {
    const viewer = new NodeClient();
    await viewer.connect(suite.server.url, await suite.token(room, 'viewer'));
    return viewer;
  };

  it('shows and plays what a page sends, until the page ends it', async () => {
    webhooks.trust(suite.server);
    const room = suite.roomName();
    const info = await create(room, 'studio');
    const viewer = await watch(room);
    try {
      const sent = await sendByWhip(suite.page, 'first', { url: whip(), key: info.streamKey });
      assert.equal(sent.status, 201, sent.text);
      assert.match(sent.location, /^\/whip\/session\/[\w.-]+$/);
      assert.match(sent.etag, /^".+"$/);
      assert.match(sent.link, /rel="ice-server"/);
      const seen = await viewer.sees('studio');
      // A browser begins small, and grows with what the way carries.
      assert.equal(seen.width * 9, seen.height * 16);
      await viewer.hears('studio');

      const participant = await suite.api.getParticipant(room, 'studio');
      assert.equal(participant.kind, ParticipantInfo_Kind.INGRESS);
      assert.equal(participant.name, 'Studio');
      assert.equal(participant.metadata, 'made of whip');
      assert.equal(participant.attributes['ingress.ingressID'], info.ingressId);
      assert.equal(participant.tracks.length, 2);

      // What everybody in the Room sees ends nothing; nor does an offer that cannot be read.
      const shown = participant.attributes['ingress.resourceID'] ?? '';
      const stolen = await fetch(`${whip()}/session/${shown}`, { method: 'DELETE' });
      assert.equal(stolen.status, 404);
      const headers = { 'content-type': 'application/sdp' };
      const body = 'garbage';
      const garbled = await fetch(`${whip()}/${info.streamKey}`, { method: 'POST', headers, body });
      assert.equal(garbled.status, 400);

      const state = await stateOf(info);
      assert.equal(state?.resourceId, shown);
      assert.equal(state?.status, IngressState_Status.ENDPOINT_PUBLISHING);
      assert.equal(state?.tracks.length, 2);
      const started = await webhooks.event(
        'ingress_started',
        (event) => event.ingressInfo?.ingressId === info.ingressId,
      );
      assert.equal(started.ingressInfo?.state?.roomId, state?.roomId);

      assert.equal(await deleteSession(suite.page, 'first'), 200);
      await untilStatus(info, IngressState_Status.ENDPOINT_INACTIVE);
      await webhooks.event(
        'ingress_ended',
        (event) => event.ingressInfo?.ingressId === info.ingressId,
      );
      assert.deepEqual(await suite.api.listParticipants(room).then(identities), ['viewer']);
      assert.equal(await deleteSession(suite.page, 'first'), 404);
    } finally {
      await viewer.leave();
    }
  });

  it('goes on after ICE began anew, and gives the layers of a simulcast', async () => {
    const room = suite.roomName();
    const info = await create(room, 'studio');
    const viewer = await watch(room);
    try {
      const sent = await sendByWhip(suite.page, 'layers', {
        url: `${whip()}/${info.streamKey}`,
        rids: ['q', 'h', 'f'],
      });
      assert.equal(sent.status, 201, sent.text);
      assert.match(sent.text, /a=simulcast:recv q;h;f/);
      await viewer.sees('studio');
      const { tracks } = await suite.api.getParticipant(room, 'studio');
      assert.equal(tracks.find(({ simulcast }) => simulcast)?.layers.length, 3);
      assert.equal(await restartIce(suite.page, 'layers'), 200);
      await viewer.sees('studio', 20);
      assert.equal(await connectionState(suite.page, 'layers'), 'connected');
    } finally {
      await viewer.leave();
    }
  });

  it('encodes anew what a page sends, in the layers that are asked for', async () => {
    const room = suite.roomName();
    const layers = [
      new VideoLayer({ quality: VideoQuality.LOW, width: 320, height: 180, bitrate: 100_000 }),
      new VideoLayer({ quality: VideoQuality.HIGH, width: 640, height: 360, bitrate: 400_000 }),
    ];
    const value = new IngressVideoEncodingOptions({ frameRate: 15, layers });
    const info = await create(room, 'studio', {
      enableTranscoding: true,
      video: new IngressVideoOptions({
        encodingOptions: { case: 'options', value },
        name: 'stage',
      }),
    });
    const viewer = await watch(room);
    try {
      const sent = await sendByWhip(suite.page, 'anew', { url: whip(), key: info.streamKey });
      assert.equal(sent.status, 201, sent.text);
      assert.match(sent.link, /rel="ice-server"/);
      await untilStatus(info, IngressState_Status.ENDPOINT_PUBLISHING, 20_000);
      const { tracks } = await suite.api.getParticipant(room, 'studio');
      const video = tracks.find(({ type }) => type === TrackType.VIDEO);
      assert.deepEqual([video?.name, video?.mimeType], ['stage', 'video/H264']);
      assert.deepEqual(
        video?.layers.map(({ quality, width, height }) => [quality, width, height]),
        [
          [VideoQuality.LOW, 320, 180],
          [VideoQuality.HIGH, 640, 360],
        ],
      );
      // ffmpeg sends its reports each 5 s, and the worker changes layers at key frames.
      await until(
        'the larger layer to be seen',
        async () => (await viewer.sees('studio', 5, 20_000)).width === 640,
        { timeoutMs: 60_000 },
      );
      await viewer.hears('studio', 20_000);
      const state = await stateOf(info);
      assert.deepEqual(
        [state?.video?.mimeType, state?.audio?.mimeType, state?.audio?.sampleRate, state?.error],
        ['video/VP8', 'audio/opus', 48_000, ''],
      );
      assert.equal(await restartIce(suite.page, 'anew'), 200);
      await viewer.sees('studio', 20, 20_000);
      assert.equal(await deleteSession(suite.page, 'anew'), 200);
      await untilStatus(info, IngressState_Status.ENDPOINT_INACTIVE);
      assert.deepEqual(await suite.api.listParticipants(room).then(identities), ['viewer']);
      // It comes back, and is put out of its Room.
      await sendByWhip(suite.page, 'anew', { url: whip(), key: info.streamKey });
      await untilStatus(info, IngressState_Status.ENDPOINT_PUBLISHING, 20_000);
      await suite.api.removeParticipant(room, 'studio');
      await untilStatus(info, IngressState_Status.ENDPOINT_INACTIVE);
      assert.equal(await deleteSession(suite.page, 'anew'), 404);
    } finally {
      await viewer.leave();
    }
  });

  it('lets the second sender with a key take the place of the first', async () => {
    const room = suite.roomName();
    const info = await create(room, 'studio');
    const url = whip();
    await sendByWhip(suite.page, 'one', { url, key: info.streamKey });
    await untilStatus(info, IngressState_Status.ENDPOINT_PUBLISHING);
    const before = await stateOf(info);
    await sendByWhip(suite.page, 'two', { url, key: info.streamKey });
    await until('the second to be the one that counts', async () => {
      const state = await stateOf(info);
      return (
        state?.resourceId !== before?.resourceId &&
        state?.status === IngressState_Status.ENDPOINT_PUBLISHING
      );
    });
    assert.equal(await deleteSession(suite.page, 'one'), 404);
    assert.deepEqual(await suite.api.listParticipants(room).then(identities), ['studio']);
    // With its Ingress, its sender goes.
    await client().deleteIngress(info.ingressId);
    await until('nobody to send any more', async () => {
      const left = await suite.api.listParticipants(room).then(identities);
      return !left.includes('studio');
    });
    assert.equal(await deleteSession(suite.page, 'two'), 404);
  });

  it('notices a page that is closed, and one that never comes', async () => {
    const room = suite.roomName();
    const [closed, absent] = await Promise.all([create(room, 'closed'), create(room, 'absent')]);
    const page = await suite.openPage();
    const url = whip();
    await sendByWhip(page, 'closed', { url, key: closed.streamKey });
    await sendByWhip(suite.page, 'absent', { url, key: absent.streamKey, connect: false });
    await untilStatus(closed, IngressState_Status.ENDPOINT_PUBLISHING);
    assert.equal((await stateOf(absent))?.status, IngressState_Status.ENDPOINT_BUFFERING);
    await page.close();
    await untilStatus(absent, IngressState_Status.ENDPOINT_ERROR, 15_000);
    assert.equal((await stateOf(absent))?.error, 'no media within 10 s');
    await untilStatus(closed, IngressState_Status.ENDPOINT_INACTIVE, 25_000);
  });

  it('says what is wrong with a key, an offer and a request, and takes none of them', async () => {
    const room = suite.roomName();
    const info = await create(room, 'studio');
    const post = async (init: RequestInit, path = ''): Promise<[number, string]> => {
      const response = await fetch(`${whip()}${path}`, { method: 'POST', ...init });
      return [response.status, await response.text()];
    };
    const sdp = { 'content-type': 'application/sdp' };
    const authorization = `Bearer ${info.streamKey}`;
    assert.equal((await post({ headers: sdp, body: 'v=0' }))[0], 401);
    const wrong = { ...sdp, authorization: 'Bearer not-the-key' };
    assert.equal((await post({ headers: wrong, body: 'v=0' }))[0], 401);
    assert.equal((await post({ headers: sdp, body: 'v=0' }, '/not-the-key'))[0], 401);
    const good = { ...sdp, authorization };
    for (const body of ['', 'garbage', 'v=0\r\n', `v=0\r\n${'m=video 9 x\r\n'.repeat(20)}`]) {
      const [status, text] = await post({ headers: good, body });
      assert.equal(status, 400, text);
    }
    assert.equal((await post({ headers: good, body: 'v'.repeat(100_000) }))[0], 413);
    const json = { ...good, 'content-type': 'application/json' };
    assert.equal((await post({ headers: json, body: '{}' }))[0], 415);
    assert.equal((await fetch(whip())).status, 405);
    const options = await fetch(whip(), { method: 'OPTIONS' });
    assert.equal(options.status, 204);
    assert.equal(options.headers.get('accept-post'), 'application/sdp');
    assert.equal(options.headers.get('access-control-allow-origin'), '*');

    await client().updateIngress(info.ingressId, { name: 'off', enabled: false });
    const [status, text] = await post({ headers: good, body: 'v=0' });
    assert.deepEqual([status, text], [403, 'session is disabled\n']);
    assert.deepEqual(await suite.api.listParticipants(room), []);
  });
});

const identities = (participants: readonly { identity: string }[]): string[] =>
  participants.map(({ identity }) => identity);
