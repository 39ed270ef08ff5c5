import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { agentCommand, type WaitForBoot } from '../../node-image/cli/commands/agent';
import type { CliIo } from '../../node-image/cli/io';
import type { SluiceOptions } from '../../node-image/cli/program';
import type { BootOutcome } from '../../node-image/lifecycle/wait-for-boot';
import { sluice } from './run-sluice';

type Asked = Parameters<SluiceOptions['agent']>[0];

const KEYS = `key: ${'s'.repeat(32)}`;
const AWS = 'sluice: {cloud: {kind: aws, media_group: media}}';

async function agent(yaml: string, argv: readonly string[] = [], run?: SluiceOptions['agent']) {
  const asked: Asked[] = [];
  const env = { SLUICE_CONFIG: yaml, LIVEKIT_KEYS: KEYS };
  // Whatever became of a boot of the machine that this runs on.
  const ran = await sluice(['agent', '--boot-status', '/nowhere/boot-status.json', ...argv], {
    env,
    agent: async (options) => {
      asked.push(options);
      await run?.(options);
    },
  });
  return { ...ran, asked };
}

/** The command alone, with a file for its configuration, which is not there at first. */
async function agentAlone(t: TestContext, waitForBoot: (file: string) => Promise<BootOutcome>) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-agent-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'sluice.yaml');
  const asked: Asked[] = [];
  const waited: Parameters<WaitForBoot>[0][] = [];
  const io: CliIo = {
    env: { LIVEKIT_KEYS: KEYS },
    print: () => {},
    printError: () => {},
    readFile: () => Promise.reject(new Error('nothing is read')),
    sleep: async () => {},
    now: () => 0,
    isTerminal: false,
    columns: 100,
  };
  const command = agentCommand(
    io,
    async (options) => void asked.push(options),
    async (options) => {
      waited.push(options);
      return waitForBoot(file);
    },
  );
  const run = () => command.parseAsync(['--config', file], { from: 'user' });
  return { file, run, asked, waited };
}

describe('sluice agent', () => {
  it('runs beside a node, with the configuration of the node', async () => {
    const { code, errors, asked } = await agent(AWS, ['--ready-within', '5m']);
    assert.deepEqual([code, errors], [0, '']);
    const [options] = asked;
    assert.equal(options?.config.sluice.cloud.media_group, 'media');
    assert.equal(options?.readyWithinMs, 300_000);
    assert.equal(options?.bootFile, '/etc/sluice/boot.json');
  });

  it('runs on a machine of Azure, too', async () => {
    const { code, asked } = await agent('sluice: {cloud: {kind: azure}}');
    assert.deepEqual([code, asked.length], [0, 1]);
    assert.equal(asked[0]?.stateFolder, '/var/lib/sluice/agent');
  });

  it('is not needed where there is no cloud, and says so', async () => {
    const { code, errors, asked } = await agent('{}');
    assert.equal(code, 2);
    assert.match(errors, /sluice\.cloud\.kind is none/);
    assert.deepEqual(asked, []);
  });

  it('refuses a configuration that cannot be used, and a time that is none', async () => {
    assert.equal((await agent('sluice: {cloud: {kind: mars}}')).code, 2);
    assert.equal((await agent(AWS, ['--ready-within', 'soon'])).code, 2);
  });

  it('waits for a boot that works where there is no configuration, and takes what that has written', async (t) => {
    const { run, asked, waited } = await agentAlone(t, async (file) => {
      writeFileSync(file, AWS, { mode: 0o600 });
      return 'booted';
    });
    await run();
    const [{ bootFile, statusFile } = {}] = waited;
    assert.deepEqual(
      [bootFile, statusFile],
      ['/etc/sluice/boot.json', '/run/sluice/boot-status.json'],
    );
    assert.equal(asked[0]?.config.sluice.cloud.media_group, 'media');
  });

  it('ends in good order where it is told to while it waits for a boot', async (t) => {
    const { run, asked } = await agentAlone(t, async () => 'ended');
    await run();
    assert.deepEqual(asked, []);
  });

  it('says what is wrong with the configuration where boot has nothing to do with it', async (t) => {
    const { run, asked } = await agentAlone(t, async () => 'unexplained');
    await assert.rejects(run(), /sluice\.yaml/);
    assert.deepEqual(asked, []);
  });

  it('looks at no boot where there is a configuration', async (t) => {
    const { file, run, asked, waited } = await agentAlone(t, async () => 'unexplained');
    writeFileSync(file, AWS, { mode: 0o600 });
    await run();
    assert.deepEqual([waited.length, asked.length], [0, 1]);
  });

  it('fails with one sentence where it cannot begin', async () => {
    const { code, errors } = await agent(AWS, [], () =>
      Promise.reject(new Error('the metadata service does not answer')),
    );
    assert.equal(code, 1);
    assert.equal(errors, 'the metadata service does not answer\n');
  });
});
