/** Jobs by LiveKit's own services: what machines are told, and what is open. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import {
  Domain,
  ElasticCluster,
  Jobs,
  type LiveKitJobsOptions,
  NodeSettings,
  SingleNode,
} from '../../pulumi-azure';
import { at, configOf, rulesOf, scriptOf } from './support/read';
import { failureOf, inWorld, type World } from './support/world';

const SET = 'azure-native:compute:VirtualMachineScaleSet';
const MACHINE = 'azure-native:compute:VirtualMachine';
const GROUP = 'azure-native:network:NetworkSecurityGroup';

const domain = Domain.ownCertificate('meet.example.com', 'PEM of a certificate');
const IMAGES = {
  egressImage: 'registry.example.com/media/egress:1.12',
  ingressImage: 'registry.example.com/media/ingress:1.4',
};
const rtmpUrl = 'rtmp://rtmp.example.com/live';

const installed = (machine: unknown) =>
  /^bash \S*install\.sh.*$/m.exec(scriptOf(machine))?.[0].split('/').at(-1);
const encodersOf = (world: World, ending?: string) =>
  rulesOf(world.only(GROUP, ending)).filter((rule) => / 193[56] /.test(rule));

describe("a cluster with LiveKit's services", () => {
  let world: World;

  before(async () => {
    world = await inWorld(() => {
      const jobs = Jobs.liveKit({ ...IMAGES, rtmpUrl, sizes: { web: 4, rtmp: 1 } });
      new ElasticCluster('meet', { domain, mediaNodes: { jobs, vmSize: 'Standard_F8s_v2' } });
    });
  });

  test('installs what runs them on Media Nodes alone', () => {
    const media = at(world.only(SET, 'media-set').inputs, 'virtualMachineProfile');
    assert.equal(installed(media), 'install.sh --livekit-services');
    assert.equal(installed(world.only(MACHINE).inputs), 'install.sh');
    assert.equal(at(media, 'storageProfile.osDisk.diskSizeGB'), 64);
  });

  test('tells Media Nodes which images, and all whom to speak with', () => {
    const [media, master] = [configOf(world, 'meet-media'), configOf(world, 'meet-masters')];
    for (const { egress, ingress } of [media, master]) {
      assert.deepEqual([egress.service, ingress.service], ['livekit', 'livekit']);
      assert.equal(egress.ws_url, 'wss://meet.example.com');
      assert.equal(egress.cpu_cost.web_cpu_cost, 4);
      assert.equal(ingress.cpu_cost.rtmp_cpu_cost, 1);
    }
    assert.equal(media.egress.image, IMAGES.egressImage);
    assert.equal(media.ingress.image, IMAGES.ingressImage);
    assert.deepEqual([master.egress.image, master.ingress.image], ['', '']);
    assert.equal(master.ingress.rtmp_base_url, rtmpUrl);
    assert.equal(master.ingress.rtmp_port, 0);
    assert.equal(master.ingress.whip_base_url, 'https://meet.example.com/whip');
  });

  test('lets encoders in to Media Nodes, and not at the Master Node', () => {
    assert.deepEqual(encodersOf(world, 'media-rules'), ['Allow tcp 1935 from *']);
    assert.deepEqual(encodersOf(world, 'masters-rules'), []);
  });
});

describe('one service', () => {
  test('leaves the other kind to the nodes, and opens nothing for encoders', async () => {
    const world = await inWorld(() => {
      const jobs = Jobs.liveKit({ ingressImage: IMAGES.ingressImage });
      new ElasticCluster('meet', { domain, mediaNodes: { jobs } });
    });
    const { egress, ingress } = configOf(world, 'meet-media');
    assert.deepEqual([egress.service, ingress.service], ['builtin', 'livekit']);
    assert.equal(egress.image, '');
    assert.deepEqual(encodersOf(world, 'media-rules'), []);
  });
});

describe('a Single Node', () => {
  const single = (settings: object) => () => {
    const jobs = Jobs.liveKit({ ...IMAGES, rtmpUrl });
    const given = NodeSettings.fromObject(settings);
    new SingleNode('meet', { domain: Domain.none(), jobs, settings: given });
  };

  test('with a Redis of yours runs the services, which find it at its address', async () => {
    const world = await inWorld(single({ redis: { address: '10.0.0.5:6379' } }));
    assert.equal(installed(world.only(MACHINE).inputs), 'install.sh --livekit-services');
    const { egress, ingress } = configOf(world, 'meet-node');
    assert.equal(egress.image, IMAGES.egressImage);
    assert.equal(egress.ws_url, 'ws://203.0.113.9');
    assert.equal(ingress.rtmp_base_url, rtmpUrl);
    assert.deepEqual(encodersOf(world), ['Allow tcp 1935 from *']);
  });

  test('without one is refused, as nothing could be said to the services', async () => {
    assert.match(
      await failureOf(single({})),
      /jobs: got LiveKit's services on a Single Node, and no Redis, allowed is settings with/,
    );
  });
});

describe("LiveKit's services refuse", () => {
  const refusedBy = (options: object) =>
    failureOf(() => {
      const jobs = Jobs.liveKit(options as LiveKitJobsOptions);
      new ElasticCluster('meet', { domain, mediaNodes: { jobs } });
    });
  const cases: readonly [string, object, RegExp][] = [
    ['to be none', {}, /jobs\.egressImage and jobs\.ingressImage: got neither/],
    [
      'recordings, which they would need a key for',
      { ...IMAGES, recordings: {} },
      /jobs\.recordings: .*allowed is none on Azure, as livekit\/egress writes there by an account key/,
    ],
    [
      'encoders without the service that takes them',
      { egressImage: IMAGES.egressImage, rtmpUrl },
      /jobs\.rtmpUrl: got no jobs\.ingressImage with it/,
    ],
    [
      'a URL that is none of RTMP',
      { ...IMAGES, rtmpUrl: 'https://rtmp.example.com/live' },
      /jobs\.rtmpUrl: got "https:\/\/rtmp\.example\.com\/live", allowed is what encoders are told/,
    ],
    [
      'an image without its host',
      { egressImage: 'egress:1.2' },
      /egress\.image: got "egress:1\.2", allowed is the full name of an image/,
    ],
    [
      'a size that no machine has',
      { ...IMAGES, sizes: { web: 8 } },
      /jobs\.sizes\.web: got 8 on a Standard_F4s_v2, which has 4 cores/,
    ],
  ];
  for (const [what, options, message] of cases) {
    test(what, async () => assert.match(await refusedBy(options), message));
  }
});
