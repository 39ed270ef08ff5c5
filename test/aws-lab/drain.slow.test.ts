/** The whole of it: a stack deployed by the CDK whose machines are real nodes with real agents. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { assertNoneDropped, type Call, startCalls, untilFlowing } from '../cluster/support/calls';
import { AwsLab } from '../support/aws-lab/aws-lab';
import { synthesize } from '../support/aws-lab/cdk';
import { LabGroup, waitingMessages } from '../support/aws-lab/lab-group';
import { REGION } from '../support/aws-lab/lab-server';
import { NodeMachines } from '../support/aws-lab/node-machines';
import { RustClients } from '../support/call-client-rust';
import { TestCluster } from '../support/cluster';
import { until } from '../support/wait';

const STACK = 'SluiceElastic';
const DOMAIN = 'meet.example.com';
/** All that is left of a drain when patience is none. */
const DRAIN = { patience: '0s' };

describe('a cluster whose machines are real nodes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-drain-'));
  let lab: AwsLab;
  let cluster: TestCluster;
  let machines: NodeMachines;
  let clients: RustClients;
  let media: LabGroup;
  let call: Call;
  let endedFirst: string;

  before(async () => {
    lab = await AwsLab.start();
    // Nodes take it for AWS as they would take AWS: by their environment.
    Object.assign(process.env, lab.env);
    await lab.bootstrap();
    await synthesize({ app: 'node --import tsx bin/clusters.ts', folder, region: REGION });
    cluster = await TestCluster.start({ masters: 0, mediaNodes: 0 });
    clients = await RustClients.start();
    machines = new NodeMachines({
      lab,
      stack: STACK,
      cluster,
      media: { sluice: { drain: DRAIN } },
      // It neither grows nor shrinks by itself here: the test says what goes.
      master: {
        sluice: {
          drain: DRAIN,
          scaling: { group: 'aws', scale_in_after: '1h', headroom_rooms: 0, interval: '1s' },
        },
      },
    });
  });
  after(async () => {
    await machines?.close();
    await clients?.close();
    await cluster?.close();
    await lab?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const explain = async (): Promise<string> =>
    `${JSON.stringify(await media?.instances())}\n${await machines.log()}\n${cluster.log().slice(-20_000)}`;

  /** The instance that the call is on. */
  async function instanceOfCall(): Promise<string> {
    const { config } = await cluster.roomNode(call.room);
    return (config['sluice'] as { machine_id: string }).machine_id;
  }

  /** Waits for an instance to be ended by its group. */
  const untilGone = (id: string): Promise<unknown> =>
    until(`${id} to be gone`, async () => !(await media.instances()).some((one) => one.id === id), {
      timeoutMs: 90_000,
      explain,
    });

  test('is deployed when a call through it works', async () => {
    const outputs = await lab
      .deploy(STACK, {
        app: folder,
        parameters: {
          DomainName: DOMAIN,
          CertificateArn: await lab.certificate(DOMAIN),
          MediaNodesInitialCapacity: '2',
        },
      })
      .catch(async (error: unknown) => {
        throw new Error(`${String(error)}\n${await machines.log()}\n${cluster.log().slice(-9000)}`);
      });
    media = new LabGroup(lab.autoScaling, outputs['MediaNodesGroup'] ?? '');
    const all = async (): Promise<boolean> => (await media.states())['InService'] === 2;
    await until('all Media Nodes to be in service', all, { timeoutMs: 90_000, explain });
    const signals = (await lab.events(STACK)).filter((one) => /Received SUCCESS signal/.test(one));
    assert.ok(signals.length >= 1, (await lab.events(STACK)).join('\n'));
    assert.match(await machines.log(), /media by udp at 127\.0\.0\.1/);
  });

  test('moves a call off a machine that its group ends, and lets it go then', async () => {
    [call] = (await startCalls(cluster, clients, { name: 'ending' })) as [Call];
    const id = await instanceOfCall();
    endedFirst = id;
    await media.terminate(id, true);
    assert.equal((await media.states())['Terminating:Wait'], 1);
    await untilGone(id);
    assert.notEqual(await instanceOfCall(), id);
    await untilFlowing(call);
    await assertNoneDropped([call]);
    assert.equal((await media.sizes()).desired, 1);
  });

  test('does nothing a second time where a notice comes twice, and late', async () => {
    const { nodes } = await cluster.admin().nodes();
    const before = nodes.filter(({ state }) => state === 'serving').map(({ id }) => id);
    await lab.sendEvent('aws.autoscaling', 'EC2 Instance-terminate Lifecycle Action', {
      LifecycleActionToken: '00000000-0000-4000-8000-000000000000',
      AutoScalingGroupName: media.name,
      LifecycleHookName: 'sluice-terminating',
      EC2InstanceId: endedFirst,
      LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
      Origin: 'AutoScalingGroup',
      Destination: 'EC2',
    });
    const queue = (await lab.outputs(STACK))['NoticesQueue'] ?? '';
    const isRead = async (): Promise<boolean> => (await waitingMessages(lab.sqs, queue)) === 0;
    await until('the notice to be read', isRead, { timeoutMs: 60_000, explain });
    const { nodes: now } = await cluster.admin().nodes();
    const after = now.filter(({ state }) => state === 'serving').map(({ id }) => id);
    assert.deepEqual(after.sort(), before.sort());
    assert.deepEqual(await media.states(), { InService: 1 });
  });

  test('brings a machine where one is missing, in service when a call through it works', async () => {
    await media.setDesired(2);
    const all = async (): Promise<boolean> => (await media.states())['InService'] === 2;
    await until('the new Media Node to be in service', all, { timeoutMs: 90_000, explain });
  });

  test('does the same by its second way, where the agent of the machine is dead', async () => {
    const id = await instanceOfCall();
    await (await machines.machine(id)).killAgent();
    await media.terminate(id, true);
    await untilGone(id);
    assert.notEqual(await instanceOfCall(), id);
    await untilFlowing(call);
    await assertNoneDropped([call]);
  });
});
