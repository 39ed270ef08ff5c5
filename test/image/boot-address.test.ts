import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { writeAddressRecord } from '../../node-image/lifecycle/boot/address-record';
import { takeStaticAddress } from '../../node-image/lifecycle/boot/static-address';
import { BootMachine } from './support/boot-machine';
import { FakeAws } from './support/fake-aws';

async function pool(t: TestContext) {
  const aws = await FakeAws.start(t);
  aws.addresses.push(
    { allocation: 'eipalloc-1', ip: '198.51.100.1', instance: 'i-other' },
    { allocation: 'eipalloc-2', ip: '198.51.100.2' },
    { allocation: 'eipalloc-3', ip: '198.51.100.3' },
  );
  const take = (tag = 'media') =>
    takeStaticAddress({
      tag,
      instance: { id: 'i-1', region: 'eu-north-1' },
      patience: { retries: 1, minMs: 1 },
      say: () => {},
    });
  return { aws, take };
}

test('a machine takes the first address that is free', async (t) => {
  const { aws, take } = await pool(t);
  assert.equal(await take(), '198.51.100.2');
  assert.deepEqual(
    aws.addresses.map(({ instance }) => instance),
    ['i-other', 'i-1', undefined],
  );
});

test('a machine that has an address keeps it', async (t) => {
  const { aws, take } = await pool(t);
  await take();
  assert.equal(await take(), '198.51.100.2');
  assert.equal(aws.calls.filter((call) => call === 'AssociateAddress').length, 1);
});

test('where another machine was quicker, the next address is taken', async (t) => {
  const { aws, take } = await pool(t);
  aws.beforeAssociate = (address) => {
    if (address.allocation === 'eipalloc-2') address.instance ??= 'i-quick';
  };
  assert.equal(await take(), '198.51.100.3');
  assert.equal(aws.addresses[1]?.instance, 'i-quick');
});

test('where no address is free, boot says how many there are and what to do', async (t) => {
  const { aws, take } = await pool(t);
  for (const address of aws.addresses) address.instance = 'i-other';
  await assert.rejects(
    take(),
    /None of the 3 elastic addresses with the tag sluice:address-pool=media in eu-north-1 is free: allocate/,
  );
});

test('a machine writes its private address into the record', async (t) => {
  const machine = new BootMachine(t);
  const record = { zone: 'Z1', name: 'master.demo.internal' };
  const instance = { region: 'eu-north-1', privateIpv4: '10.0.0.5' };
  await writeAddressRecord({
    machine: machine.machine,
    record,
    instance,
    say: (line) => machine.said.push(line),
  });
  const [command = ''] = machine.ran;
  assert.match(command, /^aws route53 change-resource-record-sets .*--hosted-zone-id Z1 /);
  assert.match(
    command,
    /"Action":"UPSERT".*"Name":"master\.demo\.internal".*"Value":"10\.0\.0\.5"/,
  );
  assert.deepEqual(machine.said, ['master.demo.internal is 10.0.0.5']);
});

test('a record that cannot be written is tried again, and then boot says what is missing', async (t) => {
  const machine = new BootMachine(t);
  machine.answer = () => ({ code: 254, stderr: '\nAn error occurred (AccessDenied)' });
  await assert.rejects(
    writeAddressRecord({
      machine: machine.machine,
      record: { zone: 'Z1', name: 'master.demo.internal' },
      instance: { region: 'eu-north-1', privateIpv4: '10.0.0.5' },
      pauseMs: 1,
      say: () => {},
    }),
    /The record master\.demo\.internal .*\(An error occurred \(AccessDenied\)\): give the role/,
  );
  assert.equal(machine.ran.length, 4);
});
