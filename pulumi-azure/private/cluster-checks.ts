import { namesRedis } from '../../node-image/contract';
import type { ClusterOptions, MultiNodeClusterOptions } from '../cluster';
import type { Jobs } from '../jobs';
import type { MachineOptions } from '../master-nodes-options';
import { MediaScaling } from '../media-scaling';
import { NodeDrain } from '../node-drain';
import { CLUSTER, SINGLE_NODE, wellTyped } from './argument-types';
import { checkLogGroup, checkMachines, checkMasters, checkMedia, sizeOf } from './machine-checks';
import { Problems } from './validation';

/**
 * All that is wrong with the plain arguments of a cluster, before the first resource is made.
 *
 * @throws RunError that names all of it.
 */
export function checkCluster(
  name: string,
  given: MultiNodeClusterOptions & { readonly dataVolume?: { readonly sizeGib?: number } },
  kind: 'one' | 'several',
): void {
  const problems = new Problems(name);
  const args = wellTyped(given, CLUSTER, problems);
  const { masterNodes = {}, mediaNodes = {} } = args;
  const count = masterNodes.count ?? (kind === 'one' ? 1 : 3);
  problems.check((count === 1) === (kind === 'one'), {
    what: 'masterNodes.count',
    given: String(count),
    allowed: kind === 'one' ? '1 in an ElasticCluster' : '2 or more in a HighAvailabilityCluster',
    fix:
      kind === 'one'
        ? 'leave it out, or use a HighAvailabilityCluster'
        : 'leave it out for 3, or use an ElasticCluster',
  });
  problems.atMostOne({ redis: args.redis, dataVolume: args.dataVolume });
  problems.atMostOne({ network: args.network, existingNetwork: args.existingNetwork });
  problems.check(kind === 'one' || args.entry === undefined || args.entry._takesSeveral, {
    what: 'entry',
    given: 'ClusterEntry.onMasterNode()',
    allowed: 'a load balancer in front of several Master Nodes',
    fix: 'use ClusterEntry.loadBalancer() or existing(), or an ElasticCluster',
  });
  const takesRtmp = mediaNodes.jobs?._takesRtmp === true;
  problems.check(!takesRtmp || args.entry?._canTakeRtmp !== false, {
    what: 'mediaNodes.jobs and entry',
    given: 'rtmp, and an entry that takes none',
    allowed: 'an entry with rtmp: true',
    fix: 'give the SignalingEntry rtmp: true, or leave out rtmp of the jobs',
  });
  checkMasters(
    { ...masterNodes, ...(args.dataVolume && { dataVolume: args.dataVolume }) },
    count,
    problems,
  );
  checkMedia(mediaNodes, problems);
  problems.check(masterNodes.identity === undefined || !isSame(masterNodes, mediaNodes), {
    what: 'masterNodes.identity and mediaNodes.identity',
    given: 'the same one',
    allowed: 'one for each: that of the Master Nodes may delete machines',
    fix: 'leave one of them out, or give another one',
  });
  new NodeDrain(mediaNodes.drain ?? {}, problems);
  new MediaScaling(mediaNodes.scaling ?? {}, problems);
  checkLogGroup(args.logGroup ?? {}, problems);
  domainMustBe(given, problems);
  checkDomain(args, 'media', problems);
  problems.throwIfAny();
}

/**
 * All that is wrong with the plain arguments of a Single Node.
 *
 * @throws RunError that names all of it.
 */
export function checkSingleNode(
  name: string,
  given: ClusterOptions &
    Omit<MachineOptions, 'image'> & { readonly vmSize?: string; readonly jobs?: Jobs },
): void {
  const problems = new Problems(name);
  const args = wellTyped(given, SINGLE_NODE, problems);
  const { image: _image, settings, ...machine } = args;
  checkMachines(machine, problems);
  const hasRedis = namesRedis(settings?.values ?? {});
  args.jobs?._check({ vmSize: sizeOf('media', args), hasRedis }, problems);
  problems.atMostOne({ network: args.network, existingNetwork: args.existingNetwork });
  checkLogGroup(args.logGroup ?? {}, problems);
  domainMustBe(given, problems);
  checkDomain(args, 'single', problems);
  problems.throwIfAny();
}

/** Whether both are one identity, as far as it is known by now. */
function isSame(masters: MachineOptions, media: MachineOptions): boolean {
  const [one, other] = [masters.identity, media.identity];
  const id = (identity: typeof one) => (typeof identity?.id === 'string' ? identity.id : undefined);
  return one === other || (id(one) !== undefined && id(one) === id(other));
}

function domainMustBe(given: Partial<ClusterOptions> | undefined, problems: Problems): void {
  problems.check(given?.domain !== undefined, {
    what: 'domain',
    given: 'none',
    allowed: 'a Domain',
    fix: 'give Domain.dnsZone(), or Domain.none() to go without',
  });
}

/** The name is asked for by everything else: without, nothing of it can be said. */
function checkDomain(
  { domain, turn }: Partial<ClusterOptions>,
  role: 'single' | 'media',
  problems: Problems,
): void {
  domain?._bind(problems);
  turn?._bind({ role, domainName: domain?.domainName }, problems);
}
