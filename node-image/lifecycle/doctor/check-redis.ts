import {
  addressOf,
  commandTimeoutMs,
  createClient,
  type RedisClient,
} from '../../cluster/redis/redis-connection';
import { reasonOf } from '../../findings/reason';
import { judgeRedisClock } from './check-clock';
import type { Check } from './context';
import { type DoctorFinding, reportOf } from './problems';

const CONNECT_MS = 4000;
/** Slower commands than those of a node still tell what is wrong. */
const COMMAND_MS = 3000;
const PINGS = 5;
/** Of one that is near it is below a millisecond, ms. */
const SLOW_MS = 50;
/** The first with all that the registry's scripts call. */
const OLDEST = 7;
const LOGIN = /WRONGPASS|NOAUTH|NOPERM|invalid password|without any password/i;

const { ok, problem } = reportOf('Redis');

/** The Redis of the cluster; a Single Node has none. */
export const checkRedis: Check = async ({ config, system, sentinels }) => {
  if (config.sluice.role === 'single') return [];
  const where = addressOf({ ...config.redis, sentinel_addresses: [...sentinels] });
  let client: RedisClient;
  try {
    client = createClient(config.redis, COMMAND_MS, () => sentinels);
  } catch (error) {
    return [problem('redis-away', reasonOf(error), 'Correct it in the redis section.')];
  }
  try {
    const trouble = await connected(client);
    if (trouble !== undefined) return [away(where, trouble)];
    const askedMs = system.now();
    const [seconds, micros] = await client.time();
    const nowMs = (askedMs + system.now()) / 2;
    const facts = await client.info().catch(() => '');
    const findings = [
      ...judgeFacts(where, facts),
      ...(await judgeSpeed(client, where, commandTimeoutMs(config.redis))),
    ];
    return [
      ...(findings.length > 0 ? findings : [ok(`${where} answers${versionIn(facts)}`)]),
      ...judgeRedisClock(Number(seconds) * 1000 + Number(micros) / 1000, nowMs),
    ];
  } catch (error) {
    return [away(where, reasonOf(error))];
  } finally {
    client.disconnect();
  }
};

/** @returns why it does not connect; undefined: it has */
async function connected(client: RedisClient): Promise<string | undefined> {
  let last = 'no answer';
  const refused = new Promise<void>((resolve) => {
    client.on('error', (error: Error) => {
      last = reasonOf(error);
      // It tries again and again, with the same password.
      if (LOGIN.test(last)) resolve();
    });
  });
  if (client.status === 'ready') return undefined;
  let timer: NodeJS.Timeout | undefined;
  const ready = new Promise<boolean>((resolve) => client.once('ready', () => resolve(true)));
  const late = new Promise<boolean>((resolve) => {
    // Others may have answered by then: the sentinels are asked one after the other.
    timer = setTimeout(() => resolve(false), CONNECT_MS);
  });
  const isReady = await Promise.race([ready, late, refused.then(() => false)]);
  clearTimeout(timer);
  return isReady ? undefined : last;
}

function away(where: string, why: string): DoctorFinding {
  return LOGIN.test(why)
    ? problem(
        'redis-login',
        `${where} does not let this node in: ${why}`,
        'Correct redis.username and redis.password; on installed machines run this as root, as /run/sluice/secrets/node.env has the password.',
      )
    : problem(
        'redis-away',
        `${where} is not reached: ${why}`,
        'See that it runs, that its firewall lets this machine in, and that redis.address or redis.sentinel_addresses, and redis.tls, are right.',
      );
}

/** @param facts - the answer to INFO; empty where this user may not ask */
function judgeFacts(where: string, facts: string): DoctorFinding[] {
  const of = (name: string): string | undefined =>
    new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(facts)?.[1];
  const findings: DoctorFinding[] = [];
  const version = of('redis_version');
  if (version !== undefined && Number.parseInt(version, 10) < OLDEST) {
    findings.push(
      problem(
        'redis-old',
        `${where} has version ${version}, and ${OLDEST} is the oldest that is tested`,
        `Upgrade it to Redis ${OLDEST} or Valkey.`,
      ),
    );
  }
  if (of('role') === 'slave') {
    findings.push(
      problem(
        'redis-replica',
        `${where} is a replica, and takes no writes`,
        'Give the address of its master, or redis.sentinel_addresses, which find it.',
      ),
    );
  }
  const policy = of('maxmemory_policy') ?? 'noeviction';
  if (policy !== 'noeviction' && Number(of('maxmemory') ?? 0) > 0) {
    findings.push(
      problem(
        'redis-evicts',
        `${where} throws keys away when it is full: maxmemory-policy ${policy}`,
        'Set it: redis-cli config set maxmemory-policy noeviction, and in its file.',
      ),
    );
  }
  return findings;
}

async function judgeSpeed(
  client: RedisClient,
  where: string,
  limitMs: number,
): Promise<DoctorFinding[]> {
  const times: number[] = [];
  for (let i = 0; i < PINGS; i += 1) {
    const startedMs = performance.now();
    await client.ping();
    times.push(performance.now() - startedMs);
  }
  const best = Math.min(...times);
  if (best < SLOW_MS) return [];
  return [
    problem(
      'redis-slow',
      `${where} takes ${Math.round(best)} ms at best, and a node waits ${limitMs} ms for several commands`,
      'Have it in the same region, on a machine that is not busy: redis-cli --latency',
    ),
  ];
}

const versionIn = (facts: string): string => {
  const [, version] = /^redis_version:(\S+)/m.exec(facts) ?? [];
  return version === undefined ? '' : `, version ${version}`;
};
