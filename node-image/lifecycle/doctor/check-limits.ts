import { neededDescriptors } from '../os-limits';
import type { Check, DoctorContext } from './context';
import { reportOf } from './problems';

/** Above this share of a table, it is nearly full. */
const FULL_SHARE = 0.9;

/** How many files the node may have open: by itself where it runs and says so, by its unit, or from here. */
export const checkOpenFiles: Check = async (context) => {
  const { ok, problem, unchecked } = reportOf('Open files');
  const { config } = context;
  const { who, limit, used } = await openFilesOf(context);
  if (limit === 0) return [unchecked('the system does not say how many there may be')];
  if (used > limit * FULL_SHARE) {
    return [
      problem(
        'files-full',
        `${who} has ${used} of ${limit} open: clients are refused`,
        'Start another node, and raise the limit: LimitNOFILE= in systemd, --ulimit nofile= of a container.',
      ),
    ];
  }
  const workers = config.sluice.role === 'master' ? 0 : config.sluice.workers;
  const needed = neededDescriptors(Math.max(1, workers));
  if (limit >= needed) return [ok(`${who} may have ${limit}`)];
  return [
    problem(
      'files-few',
      `${who} may have ${limit} open, and with all clients it needs about ${needed}`,
      'Raise the limit: LimitNOFILE= in systemd, --ulimit nofile= of a container, ulimit -n in a shell.',
    ),
  ];
};

async function openFilesOf({ node, system }: DoctorContext) {
  const metrics = node.kind === 'node' ? node.metrics : undefined;
  if (metrics?.openFilesLimit !== undefined) {
    return { who: 'the node', limit: metrics.openFilesLimit, used: metrics.openFiles ?? 0 };
  }
  const shown = await system.run('systemctl', [
    ...['show', 'sluice-node', '--property=LoadState', '--property=LimitNOFILE'],
  ]);
  const [, text = ''] = /^LimitNOFILE=(\d+|infinity)$/m.exec(shown?.output ?? '') ?? [];
  if (/^LoadState=loaded$/m.test(shown?.output ?? '') && text !== '') {
    const limit = text === 'infinity' ? Number.MAX_SAFE_INTEGER : Number(text);
    return { who: 'the unit sluice-node', limit, used: 0 };
  }
  return { who: 'a process started here', limit: system.openFilesLimit(), used: 0 };
}

const MAX = '/proc/sys/net/netfilter/nf_conntrack_max';
const COUNT = '/proc/sys/net/netfilter/nf_conntrack_count';

/** Whether a firewall remembers each stream of media, until its table is full. */
export const checkConntrack: Check = async ({ config, system }) => {
  const { ok, problem } = reportOf('Connection tracking');
  const max = Number((await system.read(MAX)) ?? 0);
  if (!(max > 0)) return [ok('the firewall tracks no connections')];
  const count = Number((await system.read(COUNT)) ?? 0);
  // The module is there, and no rule uses it: those of this machine would be in it.
  if (count === 0) return [ok('the firewall tracks no connections')];
  const found = `${count} of ${max} connections are tracked`;
  if (count > max * FULL_SHARE) {
    return [
      problem(
        'conntrack-full',
        `${found}: packets of others are dropped`,
        'Raise it: sysctl -w net.netfilter.nf_conntrack_max=1048576; and keep media out of it: systemctl start sluice-notrack',
      ),
    ];
  }
  if (config.sluice.role === 'master') return [ok(found)];
  const unit = await system.run('systemctl', ['is-active', 'sluice-notrack']);
  return [
    unit?.code === 0
      ? ok(`${found}, media is not`)
      : problem(
          'conntrack-media',
          `${found}, media too: a full table drops packets of calls`,
          'Run as root: systemctl start sluice-notrack, or nft -f node-image/image/nftables/sluice-notrack.nft',
        ),
  ];
};
