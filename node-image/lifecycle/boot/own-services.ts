import { networkInterfaces } from 'node:os';
import { CHALLENGE_SOCKET } from '../../certificates/settings';
import type { SluiceConfig } from '../../contract';
import { type RtmpsConfig, renderHaproxyConfig } from '../../image/haproxy-config';
import { renderRedisConfig } from '../../image/redis-config';
import type { Interfaces } from '../listen-addresses';
import { nodeLinkAddress } from '../node-link-address';
import { hostAndPort, REDIS_PORT } from '../own-machines/own-sentinel';
import { isTurnTlsPassedOn } from '../turn-entry';
import { BootError, reasonOf } from './boot-error';
import type { BootPlan } from './boot-plan';
import { prepareEntryCertificate } from './entry-certificate';
import type { FileFor, Machine } from './machine';
import { type ReplicatedRedis, writeSentinel } from './sentinel-service';

/** As many Media Nodes can get TURN/TLS; a slot that is not used costs nothing. */
const TURN_SLOTS = 64;
/** Who may tell HAProxy where TURN/TLS goes: the node. */
const ENTRY_GROUP = 'sluice-entry';

/** The unit of a service starts only where its file is there. */
export const SERVICE_FILES = {
  redis: '/run/sluice/redis/redis.conf',
  haproxy: '/run/sluice/haproxy/haproxy.cfg',
} as const;

export interface OwnServicesOptions {
  readonly machine: Machine;
  readonly plan: BootPlan;
  /** As the node will have it. */
  readonly config: SluiceConfig;
  /** Of Redis, taken by one that runs here while nodes are given another one. @default - none */
  readonly previousRedisPassword?: string | undefined;
  /** @default - of this machine */
  readonly interfaces?: Interfaces;
  readonly say: (line: string) => void;
}

/**
 * Writes the configuration of what runs beside the node, and takes it away where it is not to run.
 *
 * @throws BootError with one sentence that says what to do.
 */
export async function writeOwnServices(options: OwnServicesOptions): Promise<void> {
  const { machine, say } = options;
  const replicated = await writeSentinel(options);
  const services = {
    redis: redisText(options, replicated),
    haproxy: await haproxyText(options),
  };
  for (const name of ['redis', 'haproxy'] as const) {
    const file = SERVICE_FILES[name];
    const text = services[name];
    if (text === undefined) {
      await machine.remove(file);
      continue;
    }
    const user = `sluice-${name}`;
    // Sentinel has Redis write down whom it follows.
    const isKept = name === 'redis' && replicated !== undefined;
    const who: FileFor = { mode: isKept ? 0o600 : 0o400, user, group: user };
    const folder: FileFor =
      name === 'haproxy' ? { mode: 0o710, user, group: ENTRY_GROUP } : { ...who, mode: 0o700 };
    await machine.folder(`/run/sluice/${name}`, folder);
    await machine.write(file, text, who);
    say(`${name} is to run here`);
  }
}

function redisText(options: OwnServicesOptions, replicated: ReplicatedRedis | undefined) {
  const { plan, config, previousRedisPassword, interfaces = networkInterfaces() } = options;
  const { password } = config.redis;
  const address =
    replicated === undefined ? config.redis.address : hostAndPort(replicated.address, REDIS_PORT);
  const [, host = address, port = '6379'] = /^(.*):(\d+)$/.exec(address) ?? [];
  const isNamed = host !== '' && host === plan.address_record?.name;
  if (!(plan.redis.server ?? isNamed)) return undefined;
  if (address === '') {
    throw new BootError(
      'boot.json wants Redis to run here, and sluice.yaml has no redis.address: write the address of this machine and port 6379 there.',
    );
  }
  if (password === '') {
    throw new BootError(
      'boot.json wants Redis to run here, and there is no password for it: give secrets.redis, or set redis.password to "derived" in boot.json on all machines of the cluster.',
    );
  }
  const own = nodeLinkAddress(config.sluice.node_link.address, interfaces);
  return worded('redis', () =>
    renderRedisConfig({
      addresses: [own],
      port: Number(port),
      password,
      previousPassword: previousRedisPassword,
      directory: '/var/lib/sluice/redis',
      replicated,
    }),
  );
}

async function haproxyText({ machine, plan, config, say }: OwnServicesOptions) {
  const { entry } = plan;
  if (plan.role === 'media' && entry !== undefined) {
    throw new BootError(
      'boot.json gives a Media Node an entry, but clients enter at Master Nodes: take "entry" out of it.',
    );
  }
  const certificate = await prepareEntryCertificate({ machine, plan, config, say });
  if (entry === undefined) return undefined;
  const { turn } = config;
  const ownTurn =
    plan.role === 'single' && turn.enabled && turn.tls_port !== 0 && turn.external_tls;
  return worded('haproxy', () =>
    renderHaproxyConfig({
      port: entry.port,
      certificate,
      proxyProtocol: entry.proxy_protocol,
      healthPort: entry.health_port,
      redirect: entry.redirect,
      challenges: entry.lets_encrypt === undefined ? undefined : CHALLENGE_SOCKET,
      masters: [`127.0.0.1:${config.port}`, ...entry.masters],
      turnSlots: plan.role === 'master' && isTurnTlsPassedOn(config) ? TURN_SLOTS : 0,
      turn: entry.turn.length > 0 || !ownTurn ? entry.turn : [`127.0.0.1:${turn.tls_port}`],
      rtmps: rtmpsOf(config),
      adminSocket: '/run/sluice/haproxy/admin.sock',
    }),
  );
}

function rtmpsOf({ ingress }: SluiceConfig): RtmpsConfig | undefined {
  const { rtmps_port: port, rtmp_proxy_port: behind } = ingress;
  return port === 0 ? undefined : { port, node: `127.0.0.1:${behind}` };
}

function worded(name: string, render: () => string): string {
  try {
    return render();
  } catch (error) {
    throw new BootError(
      `${name} cannot be set up: ${reasonOf(error)} Correct sluice.yaml or boot.json, and run \`sluice boot\` again.`,
    );
  }
}
