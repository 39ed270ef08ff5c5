import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { JoinGrant } from '../../cluster/join-channel';
import { readJoinToken } from '../../cluster/join-token-text';
import type { JoinRole } from '../../cluster/join-tokens';
import { BootError, reasonOf } from '../boot/boot-error';
import { BOOT_PLAN_FILE } from '../boot/boot-plan';
import type { Machine } from '../boot/machine';
import { CONFIG_FILE } from '../boot/node-config';
import { NODE_USER } from '../boot/secret-files';
import { nodeLinkAddress } from '../node-link-address';
import { deleteRedisData, primaryOf, refuseOldData, writeMasterFiles } from './join-master';
import { askToJoin, masterUrl } from './join-request';
import { checkMachine, type MachineFacts } from './machine-check';
import { keyFile, mediaConfig, mediaPlan } from './node-files';
import { startNode, stopNode } from './node-start';
import {
  NewFiles,
  OWN_FILES,
  readMembership,
  refuseForeign,
  roleInWords,
  writeMembership,
} from './own-files';
import { recordingsFolder } from './own-jobs';
import { type OwnRegistry, ownRegistry } from './own-registry';
import { HIGH_AVAILABILITY_PORTS, MEDIA_PORTS } from './wanted-ports';

export interface JoinOptions {
  readonly machine: Machine;
  readonly facts: MachineFacts;
  /** Name, address or URL of a Master Node's entry. */
  readonly master: string;
  readonly token: string;
  /** What this machine becomes: a Master Node in a cluster with High Availability. @default media */
  readonly role?: JoinRole | undefined;
  /** Among the nodes. @default - its host name */
  readonly name?: string | undefined;
  /** Private, for the node link. @default - the first private one */
  readonly address?: string | undefined;
  /** That clients are told; auto: found by STUN. @default - the machine's own */
  readonly publicAddress?: string | undefined;
  readonly say: (line: string) => void;
  /** For tests. */
  readonly isReady?: (() => Promise<boolean>) | undefined;
  readonly patienceMs?: number | undefined;
  readonly findPrimary?: ((grant: JoinGrant) => Promise<string>) | undefined;
  readonly registry?: Pick<OwnRegistry, 'followed'> | undefined;
}

const CONNECT_MS = 5000;

/**
 * Makes this machine a Media Node of a cluster, or a further Master Node. Where it fails nothing is left of it, but for the claim
 * by which this machine may use the token once more.
 *
 * @throws BootError with one sentence that says what to do.
 */
export async function join(options: JoinOptions): Promise<void> {
  const { machine, facts, say, isReady, patienceMs } = options;
  const { role = 'media', registry = ownRegistry(machine) } = options;
  const ports = role === 'media' ? MEDIA_PORTS : HIGH_AVAILABILITY_PORTS;
  await checkMachine({ machine, facts, ports });
  const master = masterUrl(options.master);
  const token = readJoinToken(options.token);
  if (token === undefined) {
    throw new BootError(
      'This is no whole join token (not shown): give all of what `sluice token create` on a Master Node has printed, sluice-join-1 and what follows it.',
    );
  }
  const before = await readMembership(machine);
  if (before !== undefined) {
    if (before.role !== role || before.publicKey !== token.publicKey) {
      const what = roleInWords(before);
      throw new BootError(
        `This machine is ${what} of the cluster ${before.cluster} already: run \`sluice leave\` here first, if it is to leave that.`,
      );
    }
    say(`this machine is ${before.machine} of the cluster ${before.cluster} already`);
    await startNode({ machine, isReady, patienceMs }).catch((error: unknown) => {
      // One that was removed stays drained.
      throw new BootError(`${reasonOf(error)} To join anew, run \`sluice leave\` first.`);
    });
    return;
  }
  await refuseForeign(machine);
  if (role === 'master') await refuseOldData(machine);
  const name = nameOf(options);
  const address = linkAddress(options.address ?? '', facts);
  const claim = await claimOf(machine);
  const grant = await askToJoin({ master, token, claim, machine: name, role });
  say(`${master.host} lets this machine into the cluster ${grant.clusterName} as ${name}`);
  const primary = role === 'master' ? await (options.findPrimary ?? primaryOf)(grant) : '';
  if (role === 'media') await reachRedis(grant);
  const files = new NewFiles(machine);
  try {
    await files.secret(OWN_FILES.clusterSecret, `${grant.clusterSecret}\n`);
    await files.secret(OWN_FILES.apiKey, keyFile(grant.keys));
    const { publicKey } = token;
    const membership = { role, cluster: grant.clusterName, publicKey, machine: name };
    if (role === 'master') {
      await writeMembership(files, { ...membership, highAvailability: true });
      await writeMasterFiles({ machine, files, grant, name, address, primary });
    } else {
      await writeMembership(files, membership);
      await writeMediaFiles(options, { files, grant, name, address });
    }
    await startNode({ machine, isReady, patienceMs });
    if (role === 'master') await registry.followed();
  } catch (error) {
    await stopNode(machine);
    await files.takeBack();
    if (role === 'master') await deleteRedisData(machine);
    throw error;
  }
  await machine.remove(OWN_FILES.claim);
  say(`${name} serves`);
}

async function writeMediaFiles(
  { machine, publicAddress }: JoinOptions,
  given: { files: NewFiles; grant: JoinGrant; name: string; address: string },
): Promise<void> {
  const { files, grant, name, address } = given;
  const config = mediaConfig({ machine: name, address, publicAddress }, grant);
  const { recordings = '' } = grant.jobs ?? {};
  if (recordings !== '') await recordingsFolder(machine, recordings);
  await files.write(CONFIG_FILE, config, { mode: 0o640, group: NODE_USER });
  const plan = `${JSON.stringify(mediaPlan(grant), undefined, 2)}\n`;
  await files.write(BOOT_PLAN_FILE, plan, { mode: 0o644 });
}

/** @throws BootError where it cannot be one. */
export function nameOf(options: { name?: string | undefined; facts: MachineFacts }): string {
  const name = options.name ?? options.facts.hostName;
  if (/^[A-Za-z0-9][\w.-]{0,62}$/.test(name)) return name;
  throw new BootError(
    `${JSON.stringify(name)} is no name for a machine: give one by --name, of up to 63 letters, digits, ".", "-" and "_".`,
  );
}

/** @throws BootError where there is none. */
export function linkAddress(given: string, { interfaces }: MachineFacts): string {
  const own = Object.values(interfaces).flatMap((list) => (list ?? []).map((each) => each.address));
  if (given !== '' && !own.includes(given)) {
    throw new BootError(
      `This machine has no address ${given}: give one of ${own.join(', ')} by --address.`,
    );
  }
  try {
    return nodeLinkAddress(given, interfaces);
  } catch (error) {
    throw new BootError(
      `This machine has no private address by which the others reach it: ${reasonOf(error)}`,
    );
  }
}

async function claimOf(machine: Machine): Promise<string> {
  const before = await machine.read(OWN_FILES.claim);
  if (before !== undefined && /^[\w-]{43}\n$/.test(before)) return before.trim();
  const claim = randomBytes(32).toString('base64url');
  await machine.folder('/etc/sluice/secrets', { mode: 0o711 });
  await machine.write(OWN_FILES.claim, `${claim}\n`, { mode: 0o400 });
  return claim;
}

/** Said here, as the node would only go on trying. */
async function reachRedis({ redis }: JoinGrant): Promise<void> {
  const all = [redis.address, ...redis.sentinelAddresses, ...redis.clusterAddresses].filter(
    (each) => each !== '',
  );
  const problems: string[] = [];
  for (const address of all) {
    const problem = await connectProblem(address);
    // Of several one may be away.
    if (problem === undefined) return;
    problems.push(`${address} (${problem})`);
  }
  throw new BootError(
    `This machine does not reach the Redis of the cluster, ${problems.join(', ')}: let it through there (from the nodes only), and run this again with the same token.`,
  );
}

/** @returns why it cannot be connected to */
function connectProblem(address: string): Promise<string | undefined> {
  const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
  return new Promise<string | undefined>((resolve) => {
    const socket = connect({ host, port: Number(port), timeout: CONNECT_MS });
    const end = (reason?: string): void => {
      socket.destroy();
      resolve(reason);
    };
    socket.once('connect', () => end());
    socket.once('timeout', () => end(`no answer within ${CONNECT_MS / 1000} s`));
    socket.once('error', (error) => end(reasonOf(error)));
  });
}
