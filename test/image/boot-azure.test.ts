import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { waitUntilReady } from '../../node-image/lifecycle/boot/wait-until-ready';
import { readyFile } from '../../node-image/lifecycle/ready-file';
import { AzureFault } from '../support/fake-azure/azure-fault';
import { FakeAzure } from '../support/fake-azure/fake-azure';
import { FakeAzureMetadata, type FakeMetadataOptions } from '../support/fake-azure/fake-metadata';
import { FakeScaleSet } from '../support/fake-azure/fake-scale-set';
import { BootMachine } from './support/boot-machine';

const CLUSTER_SECRET = 'c'.repeat(40);
const MEDIA_YAML = `key_file: /run/sluice/secrets/api_key
redis: { address: "redis.example:6379" }
sluice:
  role: media
  cluster: { secret_file: /run/sluice/secrets/cluster }
`;

async function mediaNode(t: TestContext, options: Partial<FakeMetadataOptions> = {}) {
  const set = new FakeScaleSet();
  const azure = await FakeAzure.start(set);
  t.after(() => azure.close());
  const metadata = await FakeAzureMetadata.start({ name: 'media_1', set, zone: '2', ...options });
  t.after(() => metadata.close());
  azure.secrets.set('config-media', MEDIA_YAML);
  azure.secrets.set('api-key', JSON.stringify({ key: 'APIabc', secret: 's'.repeat(40) }));
  azure.secrets.set('cluster-secret', CLUSTER_SECRET);
  azure.secrets.set('redis-password', 'hunter2hunter2hunter2');
  const machine = new BootMachine(t);
  const plan = {
    cloud: 'azure',
    role: 'media',
    vault: azure.url,
    identity: 'client-1',
    config: { secret: 'config-media', revision: '7' },
    secrets: {
      api_key: 'api-key',
      cluster: `${azure.url}//secrets/cluster-secret`,
      redis: 'redis-password',
    },
  } as const;
  machine.plan(plan);
  const asked: (string | string[])[] = [];
  const credential = {
    getToken: async (scopes: string | string[]) => {
      asked.push(scopes);
      azure.tokens.set('token', String(scopes).replace(/\/\.default$/, ''));
      return { token: 'token', expiresOnTimestamp: Date.now() + 3_600_000 };
    },
  };
  const boot = () =>
    machine.boot({ metadataUrl: metadata.url, azure: { credential, ca: azure.ca } });
  return { azure, metadata, machine, plan, boot, asked };
}

test('a Media Node on Azure gets its configuration and secrets from Key Vault', async (t) => {
  const { machine, boot } = await mediaNode(t, { standardIp: '203.0.113.9' });
  await boot();
  assert.equal(machine.read('/run/sluice/secrets/cluster'), `${CLUSTER_SECRET}\n`);
  assert.match(machine.read('/run/sluice/secrets/node.env'), /^REDIS_PASSWORD='hunter2/m);
  assert.equal(machine.mode('/run/sluice/secrets/api_key'), 0o400);
  assert.equal(machine.read('/run/sluice/cloud'), 'azure\n', 'so the agent runs');
  const yaml = machine.read('/etc/sluice/sluice.yaml');
  assert.match(yaml, /machine_id: media_1/);
  assert.match(yaml, /region: westeurope/);
  assert.match(yaml, /node_ip: 203\.0\.113\.9/, 'a public address of the Standard SKU');
  assert.deepEqual(machine.said[0], 'this is media_1 in westeurope-2');
  assert.doesNotMatch(machine.said.join('\n') + machine.ran.join('\n'), /hunter2|cccc|ssss/);
});

test('an identity that may not read yet is waited for, and then told of', async (t) => {
  const { azure, boot } = await mediaNode(t);
  const forbidden = new AzureFault('Forbidden', 'Caller is not authorized', 403);
  azure.fail('get secret', forbidden, 2);
  await boot();
  azure.fail('get secret', forbidden, 100);
  await assert.rejects(boot(), /This machine may not read the .* role Key Vault Secrets User/);
});

test('a secret that there is not is named, with its vault and key', async (t) => {
  const { azure, boot, machine } = await mediaNode(t);
  azure.secrets.delete('redis-password');
  await assert.rejects(
    boot(),
    /There is no secret for redis \(secret redis-password in https:.*\): .* secrets\.redis in boot\.json/,
  );
  assert.equal(JSON.parse(machine.read('/run/sluice/boot-status.json')).state, 'failed');
});

test('the data disk of a machine is found by its LUN, and formatted when it is blank', async (t) => {
  for (const device of ['/dev/disk/azure/data/by-lun/0', '/dev/disk/azure/scsi1/lun0']) {
    const { machine, plan, boot } = await mediaNode(t);
    machine.plan({ ...plan, data_volume: { lun: 0, mount: '/var/lib/sluice' } });
    machine.answer = (command) =>
      command.startsWith('systemctl is-active')
        ? { code: 3 }
        : command.startsWith('blkid')
          ? { code: 2 }
          : undefined;
    await assert.rejects(boot(), /LUN 0 is attached but none of .* correct data_volume\.lun/);
    machine.write(device, '');
    await boot();
    assert.ok(
      machine.ran.includes(`mkfs.ext4 -q -L sluice-data ${device}`),
      machine.ran.join('\n'),
    );
  }
});

for (const [what, changes, said] of [
  ['no vault', { vault: undefined }, /config and vault: .* on Azure such as/],
  ['a vault without TLS', { vault: 'http://x.vault.azure.net' }, /vault: /],
  ['a parameter of AWS', { config: { ssm: '/x' } }, /config and vault: /],
  ['a volume of AWS', { data_volume: { id: 'v', device: '/dev/sdf', mount: '/d' } }, /by lun/],
  ['an address pool', { static_addresses: { tag: 'x' } }, /static_addresses: .* on Azure/],
] as const) {
  test(`a plan for Azure with ${what} is refused`, async (t) => {
    const { machine, plan, boot } = await mediaNode(t);
    machine.write('/etc/sluice/boot.json', JSON.stringify({ ...plan, ...changes }));
    await assert.rejects(boot(), said);
  });
}

test('what waits for a machine hears whether a call works, and why not', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-ready-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const statusFile = join(folder, 'boot-status.json');
  const wait = (withinMs: number) =>
    waitUntilReady({ statusFile, stateFolder: folder, withinMs, lookMs: 10 });
  await assert.rejects(wait(30), /sluice-boot\.service has not ended/);
  writeFileSync(statusFile, JSON.stringify({ state: 'failed', reason: 'no such secret' }));
  await assert.rejects(wait(30), /^BootError: no such secret$/);
  writeFileSync(statusFile, JSON.stringify({ state: 'done' }));
  await assert.rejects(wait(30), /sluice-agent\.service has not said/);
  const { tell } = await readyFile(folder);
  await tell('no media port answers');
  await assert.rejects(wait(5000), /No call works through the node: no media port answers/);
  setTimeout(() => void readyFile(folder).then((file) => file.tell()), 50);
  await readyFile(folder);
  await wait(5000);
});
