import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { IngressInput, IngressState_Status } from '@livekit/protocol';
import { dispose } from '@livekit/rtc-node';
import { IngressClient, type IngressInfo } from 'livekit-server-sdk';
import type { JobView } from '../../../node-image/api/jobs/job-admin-routes';
import { openBrowser, type TestBrowser, type TestPage } from '../../support/browser';
import { TestCluster } from '../../support/cluster';
import { freeTcpPort } from '../../support/ports';
import { NodeClient } from '../../support/rtc-node';
import { joinToken } from '../../support/tokens';
import { until } from '../../support/wait';
import { Encoders } from './encoders';
import { type MediaOrigin, startMediaOrigin } from './media-origin';
import { PictureWatch } from './picture-watch';
import { comeBack, deleteSession, restartIce, sendByWhip } from './whip-page';

describe('Ingress in a cluster', { timeout: 220_000 }, () => {
  let cluster: TestCluster;
  let browser: TestBrowser;
  let page: TestPage;
  let origin: MediaOrigin;
  let rtmpUrl = '';
  const encoders = new Encoders();

  before(async () => {
    origin = await startMediaOrigin(90);
    cluster = await TestCluster.start({
      masters: 0,
      mediaNodes: 3,
      config: {
        ingress: {
          allow_private_urls: true,
          cpu_cost: { rtmp_cpu_cost: 0, url_cpu_cost: 0, min_idle_ratio: 0 },
        },
      },
    });
    const port = await freeTcpPort();
    rtmpUrl = `rtmp://127.0.0.1:${port}/live`;
    await cluster.addMaster({ ingress: { rtmp_port: port, rtmp_base_url: rtmpUrl } });
    await cluster.untilServing();
    browser = await openBrowser();
    page = await browser.openPage();
  });
  after(async () => {
    encoders.close();
    await browser.close();
    await cluster.close();
    await origin.close();
    // Without this the native library keeps the process alive.
    await dispose();
  });

  const client = (): IngressClient =>
    new IngressClient(cluster.httpUrl, cluster.apiKey, cluster.apiSecret);
  const stateOf = async ({ ingressId }: IngressInfo) =>
    (await client().listIngress({ ingressId }))[0]?.state;
  const create = (type: IngressInput, room: string, as = 'sender'): Promise<IngressInfo> =>
    client().createIngress(type, { roomName: room, participantIdentity: as });
  const untilStatus = (info: IngressInfo, status: IngressState_Status, timeoutMs = 20_000) =>
    until(
      `${info.ingressId} to be ${IngressState_Status[status]}`,
      async () => (await stateOf(info))?.status === status,
      { timeoutMs, explain: () => cluster.log().slice(-8000) },
    );
  const watch = async (room: string): Promise<NodeClient> => {
    const viewer = new NodeClient();
    await viewer.connect(cluster.url, await joinToken(cluster, room, 'viewer'));
    return viewer;
  };

  it('passes a page that sends by WHIP on to the node of its Room', async () => {
    const info = await create(IngressInput.WHIP_INPUT, 'whip');
    const viewer = await watch('whip');
    try {
      const url = `${cluster.httpUrl}/whip`;
      const sent = await sendByWhip(page, 'one', { url, key: info.streamKey });
      assert.equal(sent.status, 201, sent.text);
      await viewer.sees('sender', 10, 20_000);
      const node = await cluster.roomNode('whip');
      assert.ok(sent.location.includes(node.nodeId));
      assert.equal(await restartIce(page, 'one'), 200);
      await viewer.sees('sender', 10, 20_000);
      assert.equal(await deleteSession(page, 'one'), 200);
      await untilStatus(info, IngressState_Status.ENDPOINT_INACTIVE);
      assert.equal((await sendByWhip(page, 'two', { url, key: 'wrong' })).status, 401);
    } finally {
      await viewer.leave();
    }
  });

  it('has senders come back to the node that their Room goes to when theirs is drained', async (t) => {
    const [rtmp, whip] = await Promise.all([
      create(IngressInput.RTMP_INPUT, 'drained', 'encoder'),
      create(IngressInput.WHIP_INPUT, 'drained', 'page'),
    ]);
    const viewer = await watch('drained');
    const url = `${cluster.httpUrl}/whip`;
    encoders.send(`${rtmpUrl}/${rtmp.streamKey}`, { size: '320x180', again: true });
    assert.equal((await sendByWhip(page, 'back', { url, key: whip.streamKey })).status, 201);
    await comeBack(page, 'back', url, whip.streamKey);
    await Promise.all([viewer.sees('encoder', 10, 25_000), viewer.sees('page', 10, 25_000)]);
    const watched = ['encoder', 'page'].map((identity) => new PictureWatch(viewer, identity));
    try {
      const node = await cluster.roomNode('drained');
      // Each is a job of its node.
      const { jobs } = await cluster.admin().call<{ jobs: JobView[] }>('GET', 'jobs');
      const running = jobs.filter(({ room, state }) => room === 'drained' && state === 'active');
      assert.deepEqual(
        running.map(({ owner, kind }) => [owner, kind]),
        [1, 2].map(() => [node.nodeId, 'ingress']),
      );
      await cluster.admin().drain(node.nodeId, { patience: '0s' });
      await until(
        'the node to be empty, and both to send to another one',
        async () => {
          const states = await Promise.all([stateOf(rtmp), stateOf(whip)]);
          return states.every(
            (state) =>
              state?.status === IngressState_Status.ENDPOINT_PUBLISHING &&
              !state.resourceId.startsWith(`${node.nodeId}.`),
          );
        },
        { timeoutMs: 40_000, explain: () => cluster.log().slice(-8000) },
      );
      await Promise.all([viewer.sees('encoder', 10, 25_000), viewer.sees('page', 10, 25_000)]);
      await until('the node to be drained', async () => {
        return (await cluster.admin().node(node.nodeId)).state === 'drained';
      });
      // A participant that is counted as gone twice makes the load of a node one that none can read.
      assert.doesNotMatch(cluster.log(), /cannot read/);
      const [encoder, ofPage] = watched.map(({ longestGapMs }) => longestGapMs);
      t.diagnostic(`gap of RTMP ${encoder} ms, of WHIP ${ofPage} ms`);
      await cluster.admin().undrain(node.nodeId);
      await cluster.untilServing();
    } finally {
      await Promise.all(watched.map((one) => one.close()));
      await viewer.leave();
      await Promise.all([rtmp, whip].map(({ ingressId }) => client().deleteIngress(ingressId)));
    }
  });

  it('goes on with a URL on another node when its node dies, and with one that is drained', async () => {
    const info = await client().createIngress(IngressInput.URL_INPUT, {
      roomName: 'url',
      participantIdentity: 'sender',
      url: `${origin.url}/a.mp4`,
    });
    const viewer = await watch('url');
    try {
      await viewer.sees('sender', 10, 25_000);
      const first = await cluster.roomNode('url');
      const before = await stateOf(info);
      await first.kill();
      await until(
        'the URL to be pulled by another node',
        async () => {
          const state = await stateOf(info);
          return (
            state?.status === IngressState_Status.ENDPOINT_PUBLISHING &&
            state.resourceId !== before?.resourceId
          );
        },
        { timeoutMs: 60_000, explain: () => cluster.log().slice(-8000) },
      );
      await viewer.sees('sender', 10, 25_000);
      const second = await cluster.roomNode('url');
      assert.notEqual(second.nodeId, first.nodeId);
      await cluster.admin().drain(second.nodeId, { patience: '0s' });
      await until(
        'the URL to be pulled by the node that is left',
        async () => {
          const state = await stateOf(info);
          return state?.resourceId.startsWith(`${second.nodeId}.`) === false;
        },
        { timeoutMs: 60_000, explain: () => cluster.log().slice(-8000) },
      );
      await viewer.sees('sender', 10, 25_000);
      await client().deleteIngress(info.ingressId);
    } finally {
      await viewer.leave();
    }
  });

  it('passes what an encoder sends by RTMP on to the node of its Room, and says when that is lost', async () => {
    const info = await create(IngressInput.RTMP_INPUT, 'rtmp');
    const viewer = await watch('rtmp');
    try {
      encoders.send(`${rtmpUrl}/${info.streamKey}`, { size: '320x180' });
      await untilStatus(info, IngressState_Status.ENDPOINT_PUBLISHING);
      await viewer.sees('sender', 10, 25_000);
      await viewer.hears('sender', 20_000);
    } finally {
      await viewer.leave();
    }
    const node = await cluster.roomNode('rtmp');
    await node.kill();
    await untilStatus(info, IngressState_Status.ENDPOINT_INACTIVE, 40_000);
    assert.match((await stateOf(info))?.error ?? '', /was lost/);
    await client().deleteIngress(info.ingressId);
    assert.equal((await client().listIngress('rtmp')).length, 0);
  });
});
