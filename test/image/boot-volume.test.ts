import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { mountDataVolume, mountUnit } from '../../node-image/lifecycle/boot/data-volume';
import { BootMachine } from './support/boot-machine';
import { FakeAws, type FakeVolume } from './support/fake-aws';

const ID = 'vol-0a1b2c3d4e5f60718';
const NVME = '/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0a1b2c3d4e5f60718';
const UNIT = 'var-lib-sluice.mount';

async function withVolume(t: TestContext, volume: FakeVolume, device = NVME) {
  const aws = await FakeAws.start(t);
  aws.volumes.set(ID, volume);
  const machine = new BootMachine(t);
  machine.write(device, '');
  let isMounted = false;
  /** What blkid finds. */
  const disk = { code: 2, stdout: '' };
  machine.answer = (command) => {
    if (command.startsWith('systemctl is-active')) return { code: isMounted ? 0 : 3 };
    if (command === `systemctl start ${UNIT}`) isMounted = true;
    if (command.startsWith('blkid')) return disk;
    return undefined;
  };
  const mount = () =>
    mountDataVolume({
      machine: machine.machine,
      volume: { id: ID, device: '/dev/sdf', mount: '/var/lib/sluice' },
      instance: { id: 'i-1', region: 'eu-north-1', zone: 'eu-north-1a' },
      patience: { retries: 1, minMs: 1 },
      waitMs: 300,
      pollMs: 20,
      say: (line) => machine.said.push(line),
    });
  return { aws, machine, disk, mount };
}

const formats = (machine: BootMachine) => machine.ran.filter((line) => line.startsWith('mkfs'));

test('a blank volume is attached, given a file system, and mounted', async (t) => {
  const { aws, machine, mount } = await withVolume(t, { zone: 'eu-north-1a', state: 'available' });
  await mount();
  assert.equal(aws.volumes.get(ID)?.instance, 'i-1');
  assert.deepEqual(formats(machine), [`mkfs.ext4 -q -L sluice-data ${NVME}`]);
  const unit = machine.read(`/run/systemd/system/${UNIT}`);
  assert.match(unit, new RegExp(`^What=${NVME}$`, 'm'));
  assert.match(unit, /^Type=ext4$/m);
  assert.deepEqual(machine.ran.slice(-3), [
    'systemctl daemon-reload',
    `systemctl start ${UNIT}`,
    `systemd-run --wait --pipe --quiet --collect resize2fs ${NVME}`,
  ]);
});

test('a file system that cannot be grown is said to, and used as it is', async (t) => {
  const { machine, disk, mount } = await withVolume(t, { zone: 'eu-north-1a', state: 'available' });
  Object.assign(disk, { code: 0, stdout: `DEVNAME=${NVME}\nTYPE=xfs\n` });
  const answer = machine.answer;
  machine.answer = (command) =>
    command.startsWith('systemd-run')
      ? { code: 1, stderr: 'no such program\n' }
      : answer?.(command);
  await mount();
  assert.ok(machine.ran.includes(`systemctl start ${UNIT}`));
  assert.match(
    machine.said.at(-1) ?? '',
    /vol-0a1b2c3d4e5f60718 may be larger than its file system: `xfs_growfs \/var\/lib\/sluice` failed \(no such program\)/,
  );
});

test('a volume with data on it is mounted as it is', async (t) => {
  const { machine, disk, mount } = await withVolume(t, { zone: 'eu-north-1a', state: 'available' });
  Object.assign(disk, { code: 0, stdout: `DEVNAME=${NVME}\nTYPE=xfs\n` });
  await mount();
  assert.deepEqual(formats(machine), []);
  assert.match(machine.read(`/run/systemd/system/${UNIT}`), /^Type=xfs$/m);
});

test('what is mounted already is left alone', async (t) => {
  const { aws, machine, mount } = await withVolume(t, { zone: 'eu-north-1a', state: 'available' });
  await mount();
  const before = { calls: aws.calls.length, ran: machine.ran.length };
  await mount();
  assert.equal(aws.calls.length, before.calls);
  assert.equal(machine.ran.length, before.ran + 1);
});

test('a volume that the machine has already is not attached again', async (t) => {
  const volume = { zone: 'eu-north-1a', state: 'in-use', instance: 'i-1' } as const;
  const { aws, mount } = await withVolume(t, volume);
  await mount();
  assert.deepEqual(aws.calls, ['DescribeVolumes']);
});

test('a volume that the last machine still has is waited for', async (t) => {
  const volume: FakeVolume = { zone: 'eu-north-1a', state: 'in-use', instance: 'i-old' };
  const { aws, machine, mount } = await withVolume(t, volume);
  setTimeout(() => {
    volume.state = 'available';
    delete volume.instance;
  }, 100);
  await mount();
  assert.equal(aws.volumes.get(ID)?.instance, 'i-1');
  assert.ok(machine.said.some((line) => line === `waits for ${ID}, which i-old still has`));
});

test('on old types of machine the volume is found by its letter', async (t) => {
  const volume = { zone: 'eu-north-1a', state: 'available' } as const;
  const { machine, mount } = await withVolume(t, { ...volume }, '/dev/xvdf');
  await mount();
  assert.match(machine.read(`/run/systemd/system/${UNIT}`), /^What=\/dev\/xvdf$/m);
});

const REFUSED: readonly {
  readonly what: string;
  readonly volume: FakeVolume;
  readonly disk?: { code: number; stdout: string };
  readonly says: RegExp;
}[] = [
  {
    what: 'something else on it',
    volume: { zone: 'eu-north-1a', state: 'available' },
    disk: { code: 0, stdout: 'TYPE=LVM2_member\n' },
    says: /is not blank and has no ext4 or xfs on it \(LVM2_member\): nothing was changed/,
  },
  {
    what: 'partitions on it',
    volume: { zone: 'eu-north-1a', state: 'available' },
    disk: { code: 0, stdout: 'PTTYPE=gpt\n' },
    says: /is not blank .* nothing was changed/,
  },
  {
    what: 'contents that blkid is not sure of',
    volume: { zone: 'eu-north-1a', state: 'available' },
    disk: { code: 8, stdout: '' },
    says: /is not blank .*blkid ended with 8/,
  },
  {
    what: 'another zone',
    volume: { zone: 'eu-north-1b', state: 'available' },
    says: /is in eu-north-1b and this machine in eu-north-1a: keep the machine in the volume's zone/,
  },
  {
    what: 'another machine that keeps it',
    volume: { zone: 'eu-north-1a', state: 'in-use', instance: 'i-old' },
    says: /is still attached to i-old: end that machine, or detach the volume/,
  },
];

for (const { what, volume, disk, says } of REFUSED) {
  test(`a volume with ${what} is never formatted, and boot says what to do`, async (t) => {
    const { machine, disk: found, mount } = await withVolume(t, { ...volume });
    Object.assign(found, disk);
    await assert.rejects(mount(), says);
    assert.deepEqual(formats(machine), []);
    assert.ok(!machine.ran.includes(`systemctl start ${UNIT}`));
  });
}

test('units of mounts are named as systemd names them', () => {
  assert.equal(mountUnit('/var/lib/sluice'), UNIT);
  assert.equal(mountUnit('/srv//my-data/'), 'srv-my\\x2ddata.mount');
});
