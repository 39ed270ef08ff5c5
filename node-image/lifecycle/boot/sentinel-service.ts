import { networkInterfaces } from 'node:os';
import type { SluiceConfig } from '../../contract';
import { renderSentinelConfig, sentinelState } from '../../image/sentinel-config';
import type { Interfaces } from '../listen-addresses';
import { nodeLinkAddress } from '../node-link-address';
import { REDIS_PORT, SENTINEL_NAME, SENTINEL_PORT } from '../own-machines/own-sentinel';
import { BootError, reasonOf } from './boot-error';
import type { BootPlan } from './boot-plan';
import type { Machine } from './machine';

const FOLDER = '/var/lib/sluice/sentinel';
/** Its unit starts only where this is there. */
export const SENTINEL_FILE = `${FOLDER}/sentinel.conf`;
const USER = 'sluice-sentinel';

export interface SentinelOptions {
  readonly machine: Machine;
  readonly plan: BootPlan;
  /** As the node will have it. */
  readonly config: SluiceConfig;
  /** @default - of this machine */
  readonly interfaces?: Interfaces;
  readonly say: (line: string) => void;
}

/** How the Redis of a machine is one of several. */
export interface ReplicatedRedis {
  /** By which the others reach it. */
  readonly address: string;
  /** What it follows; undefined: it is the primary itself, or was when this machine went off. */
  readonly replicaOf?: { readonly host: string; readonly port: number } | undefined;
}

/**
 * Writes what the Sentinel of this machine starts with, where it is to have one. What that has learned
 * since is kept: it knows where the primary is by now, which boot.json does not.
 *
 * @returns undefined where Redis is on one machine alone.
 * @throws BootError with one sentence that says what to do.
 */
export async function writeSentinel(
  options: SentinelOptions,
): Promise<ReplicatedRedis | undefined> {
  const { machine, plan, config, interfaces = networkInterfaces(), say } = options;
  const { sentinel } = plan.redis;
  if (sentinel === undefined) {
    await machine.remove(SENTINEL_FILE);
    return undefined;
  }
  const { password } = config.redis;
  if (plan.redis.server !== true || plan.redis.password !== 'derived' || password === '') {
    throw new BootError(
      'boot.json wants Sentinel to run here, which goes with "server": true and "password": "derived" of redis: correct it there, and run `sluice boot` again.',
    );
  }
  const address = nodeLinkAddress(config.sluice.node_link.address, interfaces);
  const present = await machine.read(SENTINEL_FILE);
  const state = present === undefined ? undefined : sentinelState(present, SENTINEL_NAME);
  const primary = state?.primary ?? hostOf(sentinel.primary);
  // Sentinel writes on it while it runs: it is left alone where it will do.
  if (state === undefined || !isFor(present ?? '', address, password)) {
    await machine.folder(FOLDER, { mode: 0o700, user: USER, group: USER });
    const text = worded(() =>
      renderSentinelConfig({
        address,
        port: SENTINEL_PORT,
        password,
        primary,
        directory: FOLDER,
        name: SENTINEL_NAME,
        quorum: sentinel.quorum,
        learned: state?.learned,
      }),
    );
    await machine.write(SENTINEL_FILE, text, { mode: 0o600, user: USER, group: USER });
  }
  say('sentinel is to run here');
  const isOwn = primary.host === address && primary.port === REDIS_PORT;
  return { address, ...(!isOwn && { replicaOf: primary }) };
}

/** Sentinel puts some values in quotes, others not. */
const isFor = (text: string, address: string, password: string): boolean =>
  text.includes(password) &&
  text.split('\n').some((line) => line.replaceAll('"', '') === `sentinel announce-ip ${address}`);

function hostOf(text: string): { host: string; port: number } {
  const [, host = text, port = `${REDIS_PORT}`] = /^\[?(.*?)\]?:(\d+)$/.exec(text) ?? [];
  return { host, port: Number(port) };
}

function worded(render: () => string): string {
  try {
    return render();
  } catch (error) {
    throw new BootError(
      `Sentinel cannot be set up: ${reasonOf(error)} Correct boot.json, and run \`sluice boot\` again.`,
    );
  }
}
