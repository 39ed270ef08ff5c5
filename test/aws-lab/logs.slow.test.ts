/** Real agents beside a journal in a file, and a log group of the local AWS. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  DescribeLogStreamsCommand,
  GetLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { AwsLab } from '../support/aws-lab/aws-lab';
import { MetadataMock } from '../support/aws-lab/metadata-mock';
import { FakeJournal } from '../support/fake-journal';
import { freeTcpPort } from '../support/ports';
import { until, within } from '../support/wait';

const REPOSITORY = join(__dirname, '..', '..');
const MACHINE = 'i-0123456789abcdef0';

describe('the journal of machines, in CloudWatch', { timeout: 120_000 }, () => {
  const folders: string[] = [];
  const agents: ChildProcess[] = [];
  let lab: AwsLab;
  let metadata: MetadataMock;
  let client: CloudWatchLogsClient;

  before(async () => {
    lab = await AwsLab.start();
    metadata = await MetadataMock.start(() => ({
      instanceId: MACHINE,
      instanceType: 'c7i.xlarge',
      availabilityZone: 'eu-west-1a',
      region: lab.env['AWS_REGION'] ?? '',
      privateAddress: '10.0.0.4',
      publicAddress: '',
      targetLifecycleState: 'InService',
    }));
    client = new CloudWatchLogsClient({
      endpoint: lab.server.url,
      region: lab.env['AWS_REGION'] ?? '',
      credentials: { accessKeyId: 'lab', secretAccessKey: 'lab' },
    });
  });
  afterEach(async () => {
    for (const agent of agents.splice(0)) {
      if (agent.exitCode !== null || agent.signalCode !== null) continue;
      const ended = once(agent, 'exit');
      agent.kill('SIGKILL');
      await ended;
    }
  });
  after(async () => {
    client?.destroy();
    await metadata?.close();
    await lab?.close();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  /** A machine with a log group of its own. */
  async function machineOf(group: string) {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-logs-'));
    folders.push(folder);
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    const journal = new FakeJournal(bin);
    const file = (name: string, value: object): string => {
      // JSON is YAML.
      writeFileSync(join(folder, name), JSON.stringify(value), { mode: 0o600 });
      return join(folder, name);
    };
    const bootFile = file('boot.json', { log_group: group });
    let said = '';
    const agent = (config: string, status: string): ChildProcess => {
      const options = [
        ...['--config', config, '--boot-file', bootFile, '--boot-status', status],
        ...['--state-folder', join(folder, 'state')],
      ];
      const child = spawn(
        process.execPath,
        ['--import', 'tsx', 'node-image/cli/main.ts', 'agent', ...options],
        {
          cwd: REPOSITORY,
          stdio: ['ignore', 'pipe', 'pipe'],
          env: {
            PATH: `${bin}:${process.env['PATH']}`,
            HOME: folder,
            ...lab.env,
            LIVEKIT_KEYS: `key: ${'s'.repeat(32)}`,
            AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url,
          },
        },
      );
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (data: Buffer) => {
          said += data.toString();
        });
      }
      agents.push(child);
      return child;
    };
    const streams = async (): Promise<string[]> => {
      const answer = await client.send(new DescribeLogStreamsCommand({ logGroupName: group }));
      return (answer.logStreams ?? []).map(({ logStreamName = '' }) => logStreamName).sort();
    };
    const lines = async (unit: string): Promise<string[]> => {
      if (!(await streams()).includes(`${MACHINE}/${unit}`)) return [];
      const answer = await client.send(
        new GetLogEventsCommand({
          logGroupName: group,
          logStreamName: `${MACHINE}/${unit}`,
          startFromHead: true,
        }),
      );
      return (answer.events ?? []).map(({ message = '' }) => message);
    };
    return { journal, file, agent, streams, lines, said: () => said };
  }

  const stop = async (agent: ChildProcess, said: () => string): Promise<void> => {
    const ended = once(agent, 'exit');
    agent.kill('SIGTERM');
    assert.deepEqual(await within('the agent to end', ended, 20_000), [0, null], said());
  };

  test('have the lines of each service, on after the agent was started again, and those of its last moment', async () => {
    await client.send(new CreateLogGroupCommand({ logGroupName: 'sluice' }));
    const { journal, file, agent, streams, lines, said } = await machineOf('sluice');
    const config = file('sluice.yaml', {
      port: await freeTcpPort(),
      sluice: { cloud: { kind: 'aws', metadata_url: metadata.url } },
    });
    await journal.write(
      { text: 'prepared', unit: 'sluice-boot.service' },
      { text: '{"level":"info","msg":"serving"}' },
      { text: 'nothing of ours', unit: 'cron.service' },
    );
    const first = agent(config, '/nowhere/boot-status.json');
    const arrived = async (): Promise<boolean> => (await lines('sluice-node')).length === 1;
    await until('the first lines', arrived, { timeoutMs: 40_000, explain: said });
    assert.deepEqual(await streams(), [`${MACHINE}/sluice-boot`, `${MACHINE}/sluice-node`]);
    await journal.write({ text: 'the last of this agent' });
    await stop(first, said);
    await journal.write({ text: 'while no agent ran' });
    const second = agent(config, '/nowhere/boot-status.json');
    const again = async (): Promise<boolean> => (await lines('sluice-node')).length >= 3;
    await until('the next line', again, { timeoutMs: 40_000, explain: said });
    await stop(second, said);
    assert.deepEqual(await lines('sluice-node'), [
      '{"level":"info","msg":"serving"}',
      'the last of this agent',
      'while no agent ran',
    ]);
  });

  test('say why a boot has failed', async () => {
    await client.send(new CreateLogGroupCommand({ logGroupName: 'failed' }));
    const { journal, file, agent, lines, said } = await machineOf('failed');
    const status = file('boot-status.json', { state: 'failed', reason: 'There is no secret.' });
    await journal.write({ text: 'There is no secret.', unit: 'sluice-boot.service' });
    const waiting = agent(join('/nowhere', 'sluice.yaml'), status);
    const arrived = async (): Promise<boolean> => (await lines('sluice-boot')).length === 1;
    await until('the reason', arrived, { timeoutMs: 40_000, explain: said });
    await stop(waiting, said);
  });

  test('wait in the journal for a log group that is not there', async () => {
    const { journal, file, agent, lines, said } = await machineOf('late');
    const config = file('sluice.yaml', {
      port: await freeTcpPort(),
      sluice: { cloud: { kind: 'aws', metadata_url: metadata.url } },
    });
    await journal.write({ text: 'one' });
    const running = agent(config, '/nowhere/boot-status.json');
    const told = (): boolean => /there is no log group late in this region/.test(said());
    await until('the agent to say so', told, { timeoutMs: 40_000, explain: said });
    await client.send(new CreateLogGroupCommand({ logGroupName: 'late' }));
    const arrived = async (): Promise<boolean> => (await lines('sluice-node')).length === 1;
    await until('the line', arrived, { timeoutMs: 40_000, explain: said });
    await stop(running, said);
  });
});
