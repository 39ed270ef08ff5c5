/** A data volume as a machine of a cloud mounts it: by systemd, from the sandbox of sluice-boot.service. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { build } from 'esbuild';
import { mountUnit } from '../../node-image/lifecycle/boot/data-volume';
import { until } from '../support/wait';
import { Container } from './support/container';
import { DebianRoot } from './support/debian-root';

const REPOSITORY = join(__dirname, '../..');
const UNIT = join(REPOSITORY, 'node-image/image/systemd/sluice-boot.service');
const DEVICE = '/dev/data-volume';
const MOUNT = '/var/lib/sluice/redis';
const MB = 1 << 20;
/** What `sluice boot` does once the cloud has attached the volume. */
const BOOT = `
import { mountDisk } from './node-image/lifecycle/boot/data-volume';
import { Machine } from './node-image/lifecycle/boot/machine';
mountDisk({
  machine: new Machine(),
  volume: { id: 'vol-1', mount: '${MOUNT}' },
  attach: async () => {},
  candidates: ['${DEVICE}'],
  key: 'data_volume.device',
  say: (line) => console.log('said: ' + line),
}).catch((error) => {
  console.log(error);
  process.exitCode = 1;
});`;

describe('a data volume of a machine', { concurrency: 1 }, () => {
  let folder = '';
  let loop = '';
  let root: DebianRoot;
  let machine: Container;
  const disk = (): string => join(folder, 'disk');
  const write = (name: string, text: string): void => {
    mkdirSync(dirname(join(root.path, name)), { recursive: true });
    writeFileSync(join(root.path, name), text);
  };
  /** Runs it as the unit says, and answers what it said. */
  const boot = (): string[] => {
    machine.run('systemctl', 'restart', 'sluice-boot.service');
    const journal = machine.journal();
    assert.equal(machine.state('sluice-boot.service'), 'active', journal);
    return journal
      .split('\n')
      .filter((line) => line.startsWith('said: '))
      .map((line) => line.slice('said: '.length));
  };
  const sizeMb = (): number =>
    Number(machine.run('df', '--output=size', '-B1M', MOUNT).output.split('\n')[1]);

  const stopUsing = (): void => {
    const { status, output } = machine.run('systemctl', 'stop', mountUnit(MOUNT));
    assert.equal(status, 0, output);
  };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-volume-'));
    root = new DebianRoot();
    const tools = 'apt-get -qq update && apt-get -qq install -y xfsprogs';
    const { status, output } = root.run(['sh', '-c', tools]);
    assert.equal(status, 0, output);
    copyFileSync(process.execPath, join(root.path, 'opt/node'));
    const bundle = await build({
      stdin: { contents: BOOT, resolveDir: REPOSITORY, loader: 'ts' },
      ...{ bundle: true, write: false, platform: 'node', format: 'cjs', logLevel: 'silent' },
    });
    write('/opt/boot.js', bundle.outputFiles?.[0]?.text ?? '');
    const unit = readFileSync(UNIT, 'utf8');
    const started = 'ExecStart=/opt/sluice/bin/sluice boot';
    assert.ok(unit.includes(started));
    write(
      '/etc/systemd/system/sluice-boot.service',
      unit.replace(started, 'ExecStart=/opt/node /opt/boot.js'),
    );
    write('/etc/systemd/system/sluice.target', '[Unit]\n');
    write('/etc/sluice/boot.json', '{}');
    mkdirSync(join(root.path, 'var/lib/sluice'));
    machine = await Container.boot(root.path);
    await until('the machine to be up', () => machine.state('multi-user.target') === 'active');
    machine.run('mkdir', '/run/sluice');

    writeFileSync(disk(), '');
    truncateSync(disk(), 64 * MB);
    loop = execFileSync('losetup', ['--find', '--show', disk()], { encoding: 'utf8' }).trim();
    const [, number = ''] = /(\d+)$/.exec(loop) ?? [];
    const made = machine.run('mknod', DEVICE, 'b', '7', number);
    assert.equal(made.status, 0, made.output);
  });
  after(async () => {
    await machine?.close();
    if (loop !== '') execFileSync('losetup', ['--detach', loop]);
    root?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  test('a blank one is given a file system, and is mounted for all of the machine', () => {
    assert.deepEqual(boot(), [
      'vol-1 is blank: it gets a file system',
      `vol-1 is mounted on ${MOUNT}`,
    ]);
    assert.ok(sizeMb() > 40 && sizeMb() <= 64, `${sizeMb()} MB`);
  });

  // By XFS: to grow ext4 the kernel asks for a right (CAP_SYS_RESOURCE) that containers may lack.
  test('one that was made larger has its file system grown at the next start', () => {
    stopUsing();
    truncateSync(disk(), 320 * MB);
    execFileSync('losetup', ['--set-capacity', loop]);
    for (const command of [`wipefs --all ${DEVICE}`, `mkfs.xfs -q ${DEVICE}`]) {
      const { status, output } = machine.run(...command.split(' '));
      assert.equal(status, 0, output);
    }
    assert.equal(boot().at(-1), `vol-1 is mounted on ${MOUNT}`);
    const before = sizeMb();
    assert.equal(machine.run('touch', `${MOUNT}/kept`).status, 0);

    stopUsing();
    truncateSync(disk(), 640 * MB);
    execFileSync('losetup', ['--set-capacity', loop]);
    assert.equal(boot().at(-1), `vol-1 is mounted on ${MOUNT}`);
    assert.ok(sizeMb() > 1.8 * before, `${before} MB, and then ${sizeMb()} MB`);
    assert.equal(machine.run('ls', `${MOUNT}/kept`).status, 0);
  });
});
