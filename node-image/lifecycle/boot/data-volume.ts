import { AttachVolumeCommand, DescribeVolumesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { callAws, type Patience } from './aws-call';
import { BootError } from './boot-error';
import type { Instance } from './instance';
import type { Machine } from './machine';

export interface DataVolume {
  readonly id: string;
  readonly device: string;
  /** Folder. */
  readonly mount: string;
}

export interface DataVolumeOptions {
  readonly machine: Machine;
  readonly volume: DataVolume;
  readonly instance: Pick<Instance, 'id' | 'region' | 'zone'>;
  readonly patience?: Patience | undefined;
  /** How long another machine may take to let go of it, and it to appear here, ms. @default 300000 */
  readonly waitMs?: number | undefined;
  /** @default 3000 */
  readonly pollMs?: number | undefined;
  readonly say: (line: string) => void;
}

const WAIT_MS = 300_000;
const POLL_MS = 3000;
/** File systems that are mounted as they are. */
const FILE_SYSTEMS: ReadonlySet<string> = new Set(['ext4', 'xfs']);

/**
 * Attaches the volume that outlives its machines, formats it where it is blank, and mounts it. What
 * is on it is never overwritten. Can be run again.
 *
 * @throws BootError with one sentence that says what to do.
 */
export function mountDataVolume(options: DataVolumeOptions): Promise<void> {
  const { volume } = options;
  const { id, mount } = volume;
  return mountDisk({
    ...options,
    volume: { id, mount },
    attach: () => attach(options),
    // On today's instance types by its id, on old ones by a letter.
    candidates: [
      `/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${id.replace('-', '')}`,
      volume.device,
      volume.device.replace('/dev/sd', '/dev/xvd'),
    ],
    key: 'data_volume.device',
  });
}

export interface DiskOptions
  extends Pick<DataVolumeOptions, 'machine' | 'waitMs' | 'pollMs' | 'say'> {
  /** What it is called, and the folder that it is mounted on. */
  readonly volume: Omit<DataVolume, 'device'>;
  /** Gives it to this machine. */
  readonly attach: () => Promise<void>;
  /** Where it may show up. */
  readonly candidates: readonly string[];
  /** Of boot.json: what to correct where it does not show up. */
  readonly key: string;
}

/** The same for a disk of any cloud. @throws BootError with one sentence that says what to do. */
export async function mountDisk(options: DiskOptions): Promise<void> {
  const { machine, volume, say } = options;
  const unit = mountUnit(volume.mount);
  if ((await machine.run('systemctl', 'is-active', '--quiet', unit)).code === 0) {
    return;
  }
  await options.attach();
  const device = await appears(options);
  const type = await formatIfBlank(machine, device, volume, say);
  await machine.folder(volume.mount, { mode: 0o755 });
  // By systemd: this program has a view of the file systems of its own, others would not see it.
  await machine.write(`/run/systemd/system/${unit}`, mountUnitText(volume, device, type), {
    mode: 0o644,
  });
  await machine.run('systemctl', 'daemon-reload');
  const { code, stderr } = await machine.run('systemctl', 'start', unit);
  if (code !== 0) {
    throw new BootError(
      `The data volume ${volume.id} cannot be mounted on ${volume.mount} (${stderr.trim()}): see \`journalctl -u ${unit}\`, and check it with fsck.`,
    );
  }
  say(`${volume.id} is mounted on ${volume.mount}`);
  await growToVolume(options, device, type);
}

/** Does nothing where the file system fills its volume, which somebody may have made larger. */
async function growToVolume(
  { machine, volume, say }: DiskOptions,
  device: string,
  type: string,
): Promise<void> {
  const command = type === 'xfs' ? ['xfs_growfs', volume.mount] : ['resize2fs', device];
  // By systemd, as this program has not the right to, and needs it for nothing else.
  const { code, stderr } = await machine.run(
    'systemd-run',
    ...['--wait', '--pipe', '--quiet', '--collect'],
    ...command,
  );
  if (code !== 0) {
    // Its first line says only which program it is.
    const why = stderr.trim().split('\n').at(-1) || `it ended with ${code}`;
    say(
      `${volume.id} may be larger than its file system: \`${command.join(' ')}\` failed (${why})`,
    );
  }
}

async function attach(options: DataVolumeOptions): Promise<void> {
  const { volume, instance, patience, waitMs = WAIT_MS, pollMs = POLL_MS, say } = options;
  const { id } = volume;
  const words = {
    what: `data volume ${id}`,
    permission: 'ec2:DescribeVolumes and ec2:AttachVolume',
    region: instance.region,
    missing: 'correct data_volume.id in boot.json, or deploy the stack again',
  };
  const client = new EC2Client({ region: instance.region });
  const deadline = performance.now() + waitMs;
  try {
    for (let told = false; ; told = true) {
      const { Volumes } = await callAws(
        words,
        () => client.send(new DescribeVolumesCommand({ VolumeIds: [id] })),
        patience,
      );
      const [found] = Volumes ?? [];
      const at = found?.Attachments?.find(({ State }) => State !== 'detached');
      if (found?.AvailabilityZone !== undefined && found.AvailabilityZone !== instance.zone) {
        throw new BootError(
          `The data volume ${id} is in ${found.AvailabilityZone} and this machine in ${instance.zone}: keep the machine in the volume's zone, or make a volume here from a snapshot.`,
        );
      }
      if (at?.InstanceId === instance.id) {
        return;
      }
      if (found?.State === 'available') {
        const command = new AttachVolumeCommand({
          VolumeId: id,
          InstanceId: instance.id,
          Device: volume.device,
        });
        await callAws(words, () => client.send(command), patience);
        return;
      }
      if (performance.now() >= deadline) {
        throw new BootError(
          `The data volume ${id} is ${at === undefined ? (found?.State ?? 'not there') : `still attached to ${at.InstanceId}`}: end that machine, or detach the volume, and run \`sluice boot\` again.`,
        );
      }
      if (!told) say(`waits for ${id}, which ${at?.InstanceId ?? 'another machine'} still has`);
      await sleep(pollMs);
    }
  } finally {
    client.destroy();
  }
}

async function appears(options: DiskOptions): Promise<string> {
  const { machine, volume, candidates, key, waitMs = WAIT_MS, pollMs = POLL_MS } = options;
  const deadline = performance.now() + waitMs;
  for (;;) {
    for (const device of candidates) {
      if (await machine.exists(device)) return device;
    }
    if (performance.now() >= deadline) {
      throw new BootError(
        `The data volume ${volume.id} is attached but none of ${candidates.join(', ')} has appeared: correct ${key} in boot.json.`,
      );
    }
    await sleep(Math.min(pollMs, 500));
  }
}

/** @returns the type of the file system on it. */
async function formatIfBlank(
  machine: Machine,
  device: string,
  { id }: DiskOptions['volume'],
  say: (line: string) => void,
): Promise<string> {
  // Looks at the device itself, for anything that it knows. Source: blkid(8): 2 means nothing.
  const probe = () => machine.run('blkid', '--probe', '--output', 'export', device);
  const { code, stdout } = await probe();
  if (code === 2 && stdout.trim() === '') {
    say(`${id} is blank: it gets a file system`);
    const made = await machine.run('mkfs.ext4', '-q', '-L', 'sluice-data', device);
    if (made.code !== 0) {
      throw new BootError(
        `The data volume ${id} cannot be given a file system (${made.stderr.trim()}): see that ${device} can be written.`,
      );
    }
    return 'ext4';
  }
  const type = /^TYPE=(\w+)$/m.exec(stdout)?.[1];
  if (code === 0 && type !== undefined && FILE_SYSTEMS.has(type)) {
    return type;
  }
  throw new BootError(
    `The data volume ${id} is not blank and has no ext4 or xfs on it (${type ?? `blkid ended with ${code}`}): nothing was changed; empty it with wipefs if it holds nothing of worth, or name another volume.`,
  );
}

function mountUnitText({ id, mount }: DiskOptions['volume'], device: string, type: string): string {
  return [
    '[Unit]',
    `Description=Data of Sluice (${id})`,
    '',
    '[Mount]',
    `What=${device}`,
    `Where=${mount}`,
    `Type=${type}`,
    'Options=noatime,nosuid,nodev,noexec',
    '',
  ].join('\n');
}

/** Source: systemd.mount(5), systemd.unit(5), "String Escaping for Inclusion in Unit Names". */
export function mountUnit(folder: string): string {
  const path = folder.replace(/\/+/g, '/').replace(/^\/|\/$/g, '');
  const escaped = path.replace(/[^/\w:.]|^\./g, (sign) =>
    [...Buffer.from(sign)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join(''),
  );
  return `${escaped.replaceAll('/', '-')}.mount`;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
