import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DescribeLifecycleHooksCommand } from '@aws-sdk/client-auto-scaling';
import { DeleteStackCommand } from '@aws-sdk/client-cloudformation';
import { DescribeInstancesCommand, DescribeVolumesCommand } from '@aws-sdk/client-ec2';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { GetParameterCommand } from '@aws-sdk/client-ssm';
import { S3Upload } from '@livekit/protocol';
import { parse } from 'yaml';
import { storageOf } from '../../node-image/jobs/egress/storage-choice';
import { openStorage } from '../../node-image/jobs/egress/upload/open-storage';
import { AwsLab } from '../support/aws-lab/aws-lab';
import { synthesize } from '../support/aws-lab/cdk';
import { LabGroup, takeEvents } from '../support/aws-lab/lab-group';
import { REGION } from '../support/aws-lab/lab-server';
import { LabStorage } from '../support/aws-lab/lab-storage';
import { ObedientMachines } from '../support/aws-lab/obedient-machines';
import { until } from '../support/wait';

const ELASTIC = 'SluiceElastic';
const HA = 'SluiceHighAvailability';
const DOMAIN = 'meet.example.com';

describe('the stacks that are shipped, deployed by the CDK to the local AWS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-clusters-'));
  let lab: AwsLab;
  let storage: LabStorage;
  let parameters: Readonly<Record<string, string>>;

  before(async () => {
    lab = await AwsLab.start();
    storage = new LabStorage(lab);
    await Promise.all([
      lab.bootstrap(),
      synthesize({
        app: 'node --import tsx bin/clusters.ts',
        folder,
        region: REGION,
        // With all that can be turned on: it is more, and nothing is less.
        context: { mediaNodesJobs: 'builtIn', jobsRtmp: 'true', recordingsRetentionDays: '30' },
      }),
    ]);
    parameters = { DomainName: DOMAIN, CertificateArn: await lab.certificate(DOMAIN) };
  });
  after(async () => {
    storage.close();
    await lab.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Deploys it with machines that do what they are asked. */
  async function deploy(stack: string, given: Readonly<Record<string, string>> = {}) {
    const machines = new ObedientMachines({ lab, stack, signals: signalling(stack) });
    try {
      return await lab.deploy(stack, { app: folder, parameters: { ...parameters, ...given } });
    } finally {
      await machines.close();
    }
  }

  /** The groups that wait for signals, by the template. */
  function signalling(stack: string): Record<string, string> {
    const template = JSON.parse(readFileSync(join(folder, `${stack}.template.json`), 'utf8')) as {
      Resources: Record<string, { Type: string; CreationPolicy?: unknown }>;
    };
    const groups = Object.entries(template.Resources).filter(
      ([, { Type, CreationPolicy }]) =>
        Type === 'AWS::AutoScaling::AutoScalingGroup' && CreationPolicy !== undefined,
    );
    const part = (id: string): string => /MasterNodes|MediaNodes|Machine/.exec(id)?.[0] ?? id;
    return Object.fromEntries(groups.map(([id]) => [part(id), id]));
  }

  const group = (outputs: Readonly<Record<string, string>>, name: string): LabGroup =>
    new LabGroup(lab.autoScaling, outputs[name] ?? '');

  async function delete_(stack: string): Promise<void> {
    await lab.cloudFormation.send(new DeleteStackCommand({ StackName: stack }));
    const explain = async (): Promise<string> => (await lab.events(stack)).slice(-20).join('\n');
    await until(`${stack} to be deleted`, async () => (await lab.status(stack)) === '', {
      timeoutMs: 60_000,
      explain,
    });
  }

  describe('Elastic', () => {
    let outputs: Readonly<Record<string, string>>;
    let media: LabGroup;

    before(async () => {
      outputs = await deploy(ELASTIC);
      media = group(outputs, 'MediaNodesGroup');
    });

    test('has one Master Node with a data volume, and a Media Node', async () => {
      const master = group(outputs, 'MasterNodesGroup');
      assert.deepEqual(await master.sizes(), { min: 1, max: 1, desired: 1 });
      assert.equal((await master.instances()).length, 1);
      assert.equal((await media.instances()).length, 1);
      const [volume] = await lab.resources(ELASTIC, 'AWS::EC2::Volume');
      const { Volumes = [] } = await lab.ec2.send(
        new DescribeVolumesCommand({ VolumeIds: [volume?.physicalId ?? ''] }),
      );
      assert.equal(Volumes[0]?.Encrypted, true);
      const [instance] = await master.instances();
      assert.equal(Volumes[0]?.AvailabilityZone, instance?.zone);
    });

    test('has hooks at the Media Nodes before the first of them', async () => {
      const { LifecycleHooks = [] } = await lab.autoScaling.send(
        new DescribeLifecycleHooksCommand({ AutoScalingGroupName: media.name }),
      );
      const names = LifecycleHooks.map(({ LifecycleHookName }) => LifecycleHookName).sort();
      assert.deepEqual(names, ['sluice-launching', 'sluice-terminating']);
      const events = await lab.events(ELASTIC);
      assert.ok(events.length > 0);
      assert.ok((await media.instances()).every(({ isProtected }) => isProtected));
    });

    test('has machines that take metadata by token only, on encrypted disks', async () => {
      const instances = await media.instances();
      const { Reservations = [] } = await lab.ec2.send(
        new DescribeInstancesCommand({ InstanceIds: instances.map(({ id }) => id) }),
      );
      const machine = Reservations[0]?.Instances?.[0];
      assert.equal(machine?.MetadataOptions?.HttpTokens, 'required');
      assert.equal(machine?.MetadataOptions?.HttpPutResponseHopLimit, 1);
      const volumes = machine?.BlockDeviceMappings?.map(({ Ebs }) => Ebs?.VolumeId ?? '') ?? [];
      const { Volumes = [] } = await lab.ec2.send(
        new DescribeVolumesCommand({ VolumeIds: volumes }),
      );
      assert.ok(Volumes.length > 0);
      assert.ok(Volumes.every(({ Encrypted }) => Encrypted));
    });

    test('has an entry with TLS that leads to the Master Node', async () => {
      const elb = (action: string, given = {}): Promise<string> =>
        lab.query('elasticloadbalancing', '2015-12-01', action, given);
      const [entry] = await lab.resources(ELASTIC, 'AWS::ElasticLoadBalancingV2::LoadBalancer');
      const LoadBalancerArn = entry?.physicalId ?? '';
      const listeners = await elb('DescribeListeners', { LoadBalancerArn });
      assert.match(listeners, /<Port>443<\/Port>/);
      assert.match(listeners, /<Protocol>TLS<\/Protocol>/);
      assert.match(listeners, new RegExp(parameters['CertificateArn'] ?? 'none'));
      const [targets] = await lab.resources(ELASTIC, 'AWS::ElasticLoadBalancingV2::TargetGroup');
      const TargetGroupArn = targets?.physicalId ?? '';
      const [master] = await group(outputs, 'MasterNodesGroup').instances();
      assert.match(
        await elb('DescribeTargetHealth', { TargetGroupArn }),
        new RegExp(master?.id ?? 'none'),
      );
    });

    test('takes encoders by the same entry, in clear and in TLS', async () => {
      const [entry] = await lab.resources(ELASTIC, 'AWS::ElasticLoadBalancingV2::LoadBalancer');
      const text = await lab.query('elasticloadbalancing', '2015-12-01', 'DescribeListeners', {
        LoadBalancerArn: entry?.physicalId ?? '',
      });
      for (const port of [1935, 1936]) assert.match(text, new RegExp(`<Port>${port}</Port>`));
    });

    test('lets Media Nodes record into its bucket, by the code that records, and no further', async () => {
      const bucket = outputs['RecordingsBucket'] ?? '';
      const keys = await storage.keysOf(ELASTIC, /MediaNodesMachinesRole/);
      const given = { ...keys, endpoint: lab.server.url, region: REGION, forcePathStyle: true };
      const opened = (name: string) =>
        openStorage(
          storageOf({ case: 's3', value: new S3Upload({ ...given, bucket: name }) }, undefined),
          '',
        );
      const recordings = opened(bucket);
      const others = opened(await storage.makeBucket('of-somebody-else'));
      await storage.whileAuthorizing(async () => {
        const facts = { contentType: 'video/mp4' };
        await recordings.check('demo/a.mp4');
        await recordings.put('demo/a.mp4', { bytes: Buffer.from('recorded') }, facts);
        assert.equal(`${await recordings.get('demo/a.mp4')}`, 'recorded');
        assert.equal(await recordings.get('demo/not-there.mp4'), undefined);
        await storage.removeObject(bucket, 'demo/a.mp4', keys);
        assert.equal(await recordings.get('demo/a.mp4'), undefined);
        await assert.rejects(others.check('a.mp4'), /AccessDenied|not authorized/);
        await assert.rejects(others.get('a.mp4'), /AccessDenied|not authorized/);
      });
      recordings.close();
      others.close();
    });

    test('has an API key, and a configuration for each role with no secret in it', async () => {
      const { SecretString = '' } = await lab.secrets.send(
        new GetSecretValueCommand({ SecretId: outputs['ApiKeySecret'] }),
      );
      assert.ok(SecretString.length >= 32);
      const configs = await lab.resources(ELASTIC, 'AWS::SSM::Parameter');
      assert.equal(configs.length, 2);
      const roles: string[] = [];
      for (const { physicalId } of configs) {
        const { Parameter } = await lab.ssm.send(new GetParameterCommand({ Name: physicalId }));
        const config = parse(Parameter?.Value ?? '') as {
          sluice: { role: string; cloud: { media_group: string; notices_queue: string } };
        };
        roles.push(config.sluice.role);
        assert.doesNotMatch(Parameter?.Value ?? '', new RegExp(secretPart(SecretString)));
        if (config.sluice.role === 'master') {
          assert.equal(config.sluice.cloud.media_group, media.name);
          assert.equal(config.sluice.cloud.notices_queue, outputs['NoticesQueue']);
        }
      }
      assert.deepEqual(roles.sort(), ['master', 'media']);
    });

    test('is resized by a parameter: scaled to four, deployed again, it is still these four', async () => {
      await media.setDesired(4);
      const before = (await media.instances()).map(({ id }) => id).sort();
      await deploy(ELASTIC, { MediaNodesMaxCapacity: '10', MediaNodesMinCapacity: '2' });
      assert.deepEqual(await media.sizes(), { min: 2, max: 10, desired: 4 });
      assert.deepEqual((await media.instances()).map(({ id }) => id).sort(), before);
    });

    test('keeps its size when the initial size is changed later: that counts at creation only', async () => {
      const { desired } = await media.sizes();
      await deploy(ELASTIC, { MediaNodesMaxCapacity: '10', MediaNodesInitialCapacity: '3' });
      const events = (await lab.events(ELASTIC)).join('\n');
      assert.match(events, /InitialCapacity\w* UPDATE_COMPLETE/);
      assert.equal((await media.sizes()).desired, desired);
    });

    test('gives Media Nodes a new instance type without ending one that runs', async () => {
      const before = await media.instances();
      await deploy(ELASTIC, {
        MediaNodesMaxCapacity: '10',
        MediaNodesInstanceType: 'c7i.2xlarge',
      });
      const after = await media.instances();
      assert.deepEqual(after.map(({ id }) => id).sort(), before.map(({ id }) => id).sort());
      const { desired } = await media.sizes();
      await media.setDesired(desired + 1);
      const newest = (await media.instances()).find(
        ({ id }) => !before.some((one) => one.id === id),
      );
      assert.notEqual(newest?.templateVersion, before[0]?.templateVersion);
    });

    test('tells its queue of a Media Node that is to go, and of a Spot notice', async () => {
      const queue = outputs['NoticesQueue'] ?? '';
      const machines = new ObedientMachines({ lab, stack: ELASTIC, deaf: ['sluice-terminating'] });
      try {
        const serving = async () =>
          (await media.instances()).find((one) => one.state === 'InService');
        const instance = await until('a Media Node in service', serving);
        assert.ok(instance);
        while ((await takeEvents(lab.sqs, queue)).length > 0);
        await media.terminate(instance.id, true);
        await lab.sendEvent('aws.ec2', 'EC2 Spot Instance Interruption Warning', {
          'instance-id': instance.id,
          'instance-action': 'terminate',
        });
        const seen: string[] = [];
        await until('both notices', async () => {
          for (const event of await takeEvents(lab.sqs, queue)) seen.push(event['detail-type']);
          return (
            seen.includes('EC2 Instance-terminate Lifecycle Action') &&
            seen.includes('EC2 Spot Instance Interruption Warning')
          );
        });
      } finally {
        await machines.close();
      }
    });

    test('is deleted at once although a Media Node still drains; data volume and recordings stay', async () => {
      const states = Object.keys(await media.states());
      assert.ok(states.includes('Terminating:Wait'), states.join());
      const [volume] = await lab.resources(ELASTIC, 'AWS::EC2::Volume');
      await delete_(ELASTIC);
      assert.equal(await storage.hasBucket(outputs['RecordingsBucket'] ?? ''), true);
      const VolumeIds = [volume?.physicalId ?? ''];
      const { Volumes = [] } = await lab.ec2.send(new DescribeVolumesCommand({ VolumeIds }));
      assert.equal(Volumes.length, 1);
      const { Reservations = [] } = await lab.ec2.send(
        new DescribeInstancesCommand({
          Filters: [{ Name: 'instance-state-name', Values: ['pending', 'running', 'stopped'] }],
        }),
      );
      assert.deepEqual(Reservations, []);
    });
  });

  describe('High Availability', () => {
    let outputs: Readonly<Record<string, string>>;

    before(async () => {
      outputs = await deploy(HA, { MediaNodesInitialCapacity: '2' });
    });

    test('has three Master Nodes over the zones, and as many Media Nodes as were asked for', async () => {
      const masters = await group(outputs, 'MasterNodesGroup').instances();
      assert.equal(masters.length, 3);
      assert.equal(new Set(masters.map(({ zone }) => zone)).size, 2);
      assert.deepEqual(await group(outputs, 'MediaNodesGroup').states(), { InService: 2 });
    });

    test('has a Redis that fails over, encrypted on its way and at rest', async () => {
      const text = await lab.query('elasticache', '2015-02-02', 'DescribeReplicationGroups');
      assert.match(text, /<AutomaticFailover>enabled<\/AutomaticFailover>/);
      assert.match(text, /<MultiAZ>enabled<\/MultiAZ>/);
      assert.match(text, /<TransitEncryptionEnabled>true<\/TransitEncryptionEnabled>/);
      assert.match(text, /<AtRestEncryptionEnabled>true<\/AtRestEncryptionEnabled>/);
    });

    test('replaces a Master Node that died', async () => {
      const masters = group(outputs, 'MasterNodesGroup');
      const [first] = await masters.instances();
      assert.ok(first);
      await masters.terminate(first.id, false);
      await masters.untilState(first.id, 'gone');
      assert.deepEqual(await masters.states(), { InService: 3 });
    });

    test('gets its record, and a certificate, where a hosted zone is given later', async () => {
      const HostedZoneId = await lab.hostedZone('example.com');
      await deploy(HA, { HostedZoneId, CertificateArn: '' });
      assert.equal((await lab.resources(HA, 'AWS::Route53::RecordSet')).length, 1);
      assert.equal((await lab.resources(HA, 'AWS::CertificateManager::Certificate')).length, 1);
    });
  });

  test('a cluster whose Master Node never says that it serves is not made, and nothing stays', async () => {
    const stack = ELASTIC;
    const machines = new ObedientMachines({ lab, stack });
    try {
      const running = lab.tryDeploy(stack, { app: folder, parameters });
      const waits = async (): Promise<boolean> =>
        (await lab.events(stack).catch(() => [])).some((one) =>
          /MasterNodesGroup\w* CREATE_IN/.test(one),
        );
      await until('the group of Master Nodes', waits, { timeoutMs: 60_000 });
      await lab.passTime(3600);
      const { code, output } = await running;
      assert.notEqual(code, 0);
      assert.match(output, /Failed to receive 1 resource signal/);
      assert.equal(await lab.status(stack), 'ROLLBACK_COMPLETE');
      assert.deepEqual(await lab.resources(stack), []);
    } finally {
      await machines.close();
    }
  });

  test('a Single Node is made, in a group that brings it back', async () => {
    const machine = group(await deploy('SluiceSingleNode'), 'MachineGroup');
    assert.deepEqual(await machine.sizes(), { min: 1, max: 1, desired: 1 });
    const [first] = await machine.instances();
    assert.ok(first);
    await machine.terminate(first.id, false);
    await machine.untilState(first.id, 'gone');
    assert.deepEqual(await machine.states(), { InService: 1 });
    await delete_('SluiceSingleNode');
  });

  test('parameters that cannot be are refused before anything is made', async () => {
    for (const wrong of [
      { CertificateArn: '', HostedZoneId: '' },
      { DomainName: 'meet' },
      { MediaNodesInstanceType: 'large' },
      { MediaNodesMaxCapacity: '-1' },
    ]) {
      const given = { ...parameters, ...wrong };
      const { code } = await lab.tryDeploy('SluiceSingleNode', { app: folder, parameters: given });
      assert.notEqual(code, 0);
      assert.equal(await lab.status('SluiceSingleNode'), '');
    }
  });
});

function secretPart(text: string): string {
  return (text.includes('{') ? (JSON.parse(text) as { secret: string }).secret : text)
    .slice(0, 12)
    .replace(/[^\w]/g, '.');
}
