import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A machine of its own for one node: a network namespace at the end of a cable. */
export interface NodeNamespace {
  /** Of the node. */
  readonly address: string;
  /** Of this end of the cable: where the node reaches what runs here. */
  readonly hostAddress: string;
  /** What a command is started with, so that it runs in there. */
  readonly prefix: readonly string[];
  /** Packets vanish both ways, and nobody is told. */
  cut(): Promise<void>;
  /** Packets arrive again. */
  mend(): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

/**
 * Makes the network namespace of node `index`. It needs to be in a network namespace itself, which
 * in-namespace.sh makes, so that nothing of the machine is touched and tests do not meet.
 *
 * @param index - 0 to 250, different for each.
 */
export async function makeNamespace(index: number): Promise<NodeNamespace> {
  if (process.env['SLUICE_IN_NAMESPACE'] !== 'yes') {
    throw new Error('run this by test/network/support/in-namespace.sh');
  }
  const cable = `sluice-n${index}`;
  const [hostAddress, address] = [`10.88.${index}.1`, `10.88.${index}.2`];
  // It holds the namespace while the node in it ends and starts again.
  const holder = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' });
  const killAtExit = (): void => {
    holder.kill('SIGKILL');
  };
  process.once('exit', killAtExit);
  const prefix = ['nsenter', '--net', '--target', `${holder.pid}`];
  const inside = (...command: string[]) =>
    run(prefix[0] as string, [...prefix.slice(1), ...command]);
  await untilApart(holder);
  await run('ip', [
    'link',
    'add',
    cable,
    'type',
    'veth',
    'peer',
    'name',
    'eth0',
    'netns',
    `${holder.pid}`,
  ]);
  await run('ip', ['address', 'add', `${hostAddress}/30`, 'dev', cable]);
  await run('ip', ['link', 'set', cable, 'up']);
  // Nodes reach each other too. Of this network only, as all that is set here.
  await writeFile('/proc/sys/net/ipv4/ip_forward', '1');
  await inside('ip', 'link', 'set', 'lo', 'up');
  await inside('ip', 'address', 'add', `${address}/30`, 'dev', 'eth0');
  await inside('ip', 'link', 'set', 'eth0', 'up');
  await inside('ip', 'route', 'add', 'default', 'via', hostAddress);
  let closed = false;
  return {
    address,
    hostAddress,
    prefix,
    // At both ends where packets come in: whoever sends does not notice.
    cut: async () => {
      await run('nft', dropAll(`cut${index}`, cable));
      await inside('nft', ...dropAll('cut', 'eth0'));
    },
    mend: async () => {
      await run('nft', ['delete', 'table', 'netdev', `cut${index}`]);
      await inside('nft', 'delete', 'table', 'netdev', 'cut');
    },
    close: async () => {
      if (closed) return;
      closed = true;
      process.removeListener('exit', killAtExit);
      const ended = new Promise((resolve) => holder.once('exit', resolve));
      holder.kill('SIGKILL');
      await ended;
      // It would go with the namespace, some time later; the next one may have the same name.
      await run('ip', ['link', 'delete', cable]).catch(() => undefined);
      await run('nft', ['delete', 'table', 'netdev', `cut${index}`]).catch(() => undefined);
    },
  };
}

const dropAll = (table: string, device: string): string[] => [
  `add table netdev ${table}; add chain netdev ${table} in { type filter hook ingress device ${device} priority 0; policy drop; }`,
];

/** `unshare` has run when the process has another namespace than this one. */
async function untilApart(holder: ChildProcess): Promise<void> {
  const namespaceOf = async (pid: number | string): Promise<string> =>
    (await run('readlink', [`/proc/${pid}/ns/net`])).stdout;
  const own = await namespaceOf('self');
  for (let tries = 0; tries < 200; tries++) {
    if (holder.pid !== undefined && (await namespaceOf(holder.pid)) !== own) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('unshare --net made no network namespace: is this run as root?');
}
