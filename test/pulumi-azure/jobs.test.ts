/** What jobs are to the machines of a cluster, and to the ways into it. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import {
  ClusterEntry,
  ClusterSecrets,
  Domain,
  ElasticCluster,
  HighAvailabilityCluster,
  Jobs,
  MediaNodes,
  Recordings,
  SignalingEntry,
  SingleNode,
} from '../../pulumi-azure';
import { coresOf } from '../../pulumi-azure/private/job-checks';
import { at, configOf, listAt, rulesOf, scriptOf, yamlOf } from './support/read';
import { failureOf, inWorld, PLACE, type World } from './support/world';

const SET = 'azure-native:compute:VirtualMachineScaleSet';
const MACHINE = 'azure-native:compute:VirtualMachine';
const GROUP = 'azure-native:network:NetworkSecurityGroup';
const domain = Domain.ownCertificate('meet.example.com', 'PEM of a certificate');

const installed = (script: string) =>
  /^bash \S*install\.sh.*$/m.exec(script)?.[0].split('/').at(-1);
const profileOf = (world: World, ending: string) =>
  at(world.only(SET, ending).inputs, 'virtualMachineProfile');

describe('an Elastic cluster with jobs', () => {
  let world: World;

  before(async () => {
    world = await inWorld(() => {
      const recordings = Recordings.create({ retentionDays: 30 });
      const sizes = { roomComposite: 4, whip: 0.5 };
      const jobs = Jobs.builtIn({ recordings, rtmp: true, queueMinutes: 3, sizes });
      new ElasticCluster('meet', { domain, mediaNodes: { jobs } });
    });
  });

  test('installs what they are run by on Media Nodes alone, and has the disk for it', () => {
    assert.equal(installed(scriptOf(profileOf(world, 'media-set'))), 'install.sh --jobs');
    assert.equal(installed(scriptOf(world.only(MACHINE).inputs)), 'install.sh');
    const disk = (value: unknown) => at(value, 'storageProfile.osDisk.diskSizeGB');
    assert.equal(disk(profileOf(world, 'media-set')), 64);
    assert.equal(disk(world.only(MACHINE).inputs), 20);
  });

  test('tells the nodes where recordings go, and how they are found', () => {
    const [media, master] = [configOf(world, 'meet-media'), configOf(world, 'meet-masters')];
    const storage = { account_name: 'meetrecordingsa1b2c3d4', container_name: 'recordings' };
    for (const { egress, ingress } of [media, master]) {
      assert.deepEqual(egress.storage.azure, { ...storage, account_key: '' });
      assert.equal(egress.ws_url, 'wss://meet.example.com');
      assert.equal(egress.cpu_cost.room_composite_cpu_cost, 4);
      assert.equal(egress.cpu_cost.web_cpu_cost, 3);
      assert.equal(ingress.cpu_cost.whip_bypass_transcoding_cpu_cost, 0.5);
    }
    assert.equal(master.sluice.jobs.queue, 180_000);
    assert.equal(master.ingress.whip_base_url, 'https://meet.example.com/whip');
    assert.equal(master.ingress.rtmp_base_url, 'rtmps://meet.example.com:1936/live');
    assert.deepEqual([master.ingress.rtmp_port, master.ingress.rtmps_port], [1935, 1936]);
    assert.deepEqual([media.ingress.rtmp_port, media.ingress.rtmps_port], [0, 0]);
  });

  test('lets encoders in at the Master Node, and nowhere else', () => {
    const encoders = ['Allow tcp 1935 from *', 'Allow tcp 1936 from *'];
    const of = (ending: string) =>
      rulesOf(world.only(GROUP, ending)).filter((rule) => / 193[56] /.test(rule));
    assert.deepEqual(of('masters-rules'), encoders);
    assert.deepEqual(of('media-rules'), []);
  });

  test('gives the Media Nodes the container, and nobody anything else of the account', () => {
    const container = '/meetrecordingsa1b2c3d4/blobServices/default/containers/recordings';
    const grants = world
      .all('azure-native:authorization:RoleAssignment')
      .filter(({ inputs }) => /ba92f5b4|meetrecordings/.test(JSON.stringify(inputs)))
      .map(({ inputs }) => [inputs['principalId'], String(inputs['scope']).endsWith(container)]);
    assert.deepEqual(grants, [['principal-of-meet-media-identity', true]]);
  });

  test('keeps recordings in a group of their own when the stack is deleted', () => {
    const { inputs } = world.only('azure-native:storage:StorageAccount', 'recordings-account');
    assert.equal(inputs['resourceGroupName'], 'meet-recordings');
    for (const each of [
      'resources:ResourceGroup meet-recordings',
      'storage:StorageAccount meet-recordings-account',
      'storage:BlobContainer meet-recordings-container',
      'storage:ManagementPolicy meet-recordings-retention',
      'storage:BlobServiceProperties meet-recordings-service',
    ]) {
      assert.equal(world.registrations.get(`azure-native:${each}`)?.retainOnDelete, true, each);
    }
  });
});

describe('a High Availability cluster with jobs', () => {
  test('passes encoders on to Master Nodes that serve, as it does clients', async () => {
    const world = await inWorld(() => {
      const jobs = Jobs.builtIn({ rtmp: true });
      new HighAvailabilityCluster('meet', { domain, mediaNodes: { jobs } });
    });
    const { inputs } = world.only('azure-native:network:LoadBalancer');
    const rules = listAt(inputs, 'loadBalancingRules');
    assert.deepEqual(
      rules.map((rule) => [at(rule, 'frontendPort'), at(rule, 'backendPort')]),
      [443, 80, 1935, 1936].map((port) => [port, port]),
    );
    for (const rule of rules) assert.match(String(at(rule, 'probe.id')), /\/probes\/node$/);
    const open = rulesOf(world.only(GROUP, 'masters-rules'));
    for (const port of [1935, 1936]) assert.ok(open.includes(`Allow tcp ${port} from *`));
    assert.equal(configOf(world, 'meet-masters').ingress.rtmps_port, 1936);
    // Without recordings each request names its storage.
    assert.equal(configOf(world, 'meet-media').egress.storage.azure.container_name, '');
  });

  test('takes an entry of yours that takes encoders, and refuses one that does not', async () => {
    const withEntry = (rtmp: boolean) => () => {
      const entry = new SignalingEntry('ours', { ...PLACE, domain, rtmp });
      new HighAvailabilityCluster('meet', {
        domain,
        entry: ClusterEntry.existing(entry),
        mediaNodes: { jobs: Jobs.builtIn({ rtmp: true }) },
      });
    };
    await inWorld(withEntry(true));
    assert.match(
      await failureOf(withEntry(false)),
      /mediaNodes\.jobs and entry: got rtmp, and an entry that takes none.*give the SignalingEntry/,
    );
  });
});

describe('a Single Node with jobs', () => {
  test('installs them, takes encoders, and records what it has itself', async () => {
    const world = await inWorld(() => {
      const recordings = Recordings.create({ retain: false });
      const jobs = Jobs.builtIn({ rtmp: true, recordings });
      new SingleNode('meet', { domain, jobs, diskSizeGib: 100, zones: [] });
    });
    const machine = world.only(MACHINE).inputs;
    assert.equal(installed(scriptOf(machine)), 'install.sh --jobs');
    assert.equal(at(machine, 'storageProfile.osDisk.diskSizeGB'), 100);
    const { egress, ingress } = configOf(world, 'meet-node');
    assert.equal(egress.ws_url, '');
    assert.equal(egress.storage.azure.container_name, 'recordings');
    assert.equal(ingress.rtmps_port, 1936);
    assert.ok(rulesOf(world.only(GROUP)).includes('Allow tcp 1936 from *'));
    const account = world.only('azure-native:storage:StorageAccount', 'recordings-account').inputs;
    assert.equal(at(account, 'sku.name'), 'Standard_LRS');
    assert.equal(account['resourceGroupName'], 'meet');
  });

  test('without a certificate takes them in clear, at its address', async () => {
    const world = await inWorld(() => {
      new SingleNode('meet', { domain: Domain.none(), jobs: Jobs.builtIn({ rtmp: true }) });
    });
    const { ingress } = configOf(world, 'meet-node');
    assert.equal(ingress.rtmp_base_url, 'rtmp://203.0.113.9/live');
    assert.equal(ingress.whip_base_url, 'http://203.0.113.9/whip');
    assert.equal(ingress.rtmps_port, 0);
    const encoders = rulesOf(world.only(GROUP)).filter((rule) => / 193[56] /.test(rule));
    assert.deepEqual(encoders, ['Allow tcp 1935 from *']);
  });
});

describe('without jobs', () => {
  test('nothing of them is there', async () => {
    const world = await inWorld(() => {
      new ElasticCluster('meet', { domain });
    });
    assert.equal(installed(scriptOf(profileOf(world, 'media-set'))), 'install.sh');
    assert.equal(world.all('azure-native:storage:StorageAccount').length, 1);
    for (const name of ['meet-media', 'meet-masters']) {
      const yaml = yamlOf(world, name);
      assert.deepEqual([yaml['egress'], yaml['ingress']], [undefined, undefined]);
    }
    const open = world.all(GROUP).flatMap(rulesOf);
    assert.ok(!open.some((rule) => / 193[56] /.test(rule)));
  });
});

describe('Media Nodes of a cluster that is not of this package', () => {
  test('take the name that recorders find it by', async () => {
    const world = await inWorld(() => {
      new MediaNodes('media', {
        ...PLACE,
        subnetId: '/subscriptions/s/virtualNetworks/v/subnets/media',
        secrets: new ClusterSecrets('secrets', PLACE),
        jobs: Jobs.builtIn(),
        clusterUrl: 'https://meet.example.org',
      });
    });
    assert.equal(configOf(world, 'media').egress.ws_url, 'wss://meet.example.org');
  });
});

describe('jobs that cannot be', () => {
  const refusedBy = (options: object, vmSize?: string) =>
    failureOf(() => {
      new ElasticCluster('meet', {
        domain,
        mediaNodes: { jobs: Jobs.builtIn(options), ...(vmSize && { vmSize }) },
      });
    });

  test('are refused with the reason, all at once', async () => {
    const failure = await refusedBy({
      rtmp: 'yes',
      queueMinutes: -1,
      sizes: { web: 300, roomComposit: 3 },
      recordings: Recordings.create({ retentionDays: 0, softDeleteDays: 400 }),
    });
    assert.match(failure, /jobs\.rtmp: got "yes", allowed is true or false/);
    assert.match(failure, /jobs\.queueMinutes: got -1, allowed is/);
    assert.match(failure, /jobs\.sizes\.web: got 300, allowed is/);
    assert.match(failure, /jobs\.sizes: got roomComposit, allowed is one of roomComposite, web/);
    assert.match(failure, /recordings\.retentionDays: got 0, allowed is a whole number from 1/);
    assert.match(failure, /recordings\.softDeleteDays: got 400, allowed is a whole number from 1/);
    assert.match(await refusedBy({ recordings: 'bucket' }), /jobs\.recordings: got "bucket"/);
  });

  test('as one is larger than a machine are refused; who did not name it is warned', async () => {
    assert.match(
      await refusedBy({ sizes: { web: 8 } }),
      /jobs\.sizes\.web: got 8 on a Standard_F4s_v2, which has 4 cores/,
    );
    // Of four cores an Ingress leaves 1.2.
    assert.match(await refusedBy({ sizes: { url: 3 } }), /jobs\.sizes\.url: got 3 on a/);
    const [warned, failure] = await warnings(() => refusedBy({}, 'Standard_F2s_v2'));
    assert.equal(failure, '');
    assert.match(
      warned,
      /Standard_F2s_v2 has 2 cores: .*roomComposite \(3\), web \(3\), url \(2\); give a larger/,
    );
    assert.equal((await warnings(() => refusedBy({})))[0], '');
  });

  test('for a container that is none is told in preview', async () => {
    const recordings = Recordings.existing({ containerId: '/subscriptions/s/resourceGroups/g' });
    assert.match(
      await refusedBy({ recordings }),
      /recordings\.containerId: got "\/subscriptions\/s\/resourceGroups\/g", allowed is the id of a container/,
    );
  });
});

describe('the cores of a size', () => {
  test('are those that its name says', () => {
    for (const [vmSize, cores] of [
      ['Standard_F4s_v2', 4],
      ['Standard_D4ps_v6', 4],
      ['Standard_E32-8s_v5', 8],
      ['Standard_D16as_v5', 16],
      // Of before the convention: 4 and 8 cores.
      ['Standard_DS3_v2', undefined],
      ['Standard_D13_v2', undefined],
    ] as const) {
      assert.equal(coresOf(vmSize), cores, vmSize);
    }
  });
});

/** What Pulumi warns of without an engine. */
async function warnings<T>(action: () => Promise<T>): Promise<readonly [string, T]> {
  const texts: string[] = [];
  const { warn } = console;
  console.warn = (text: unknown) => texts.push(String(text));
  try {
    const answer = await action();
    return [texts.join('\n'), answer];
  } finally {
    console.warn = warn;
  }
}
