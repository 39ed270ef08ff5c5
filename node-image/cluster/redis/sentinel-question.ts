import { Redis } from 'ioredis';
import { type RedisConfig, sentinelConnection } from './redis-connection';

/** Of what a Sentinel knows of another one, or of a Redis. */
export interface KnownToSentinel {
  /** `host:port`, IPv6 in brackets. */
  readonly address: string;
  /** Whether it has not answered this Sentinel for longer than it may. */
  readonly isDown: boolean;
}

/** What a Sentinel says of the Redis that it watches. */
export interface SentinelQuestions {
  /** Where the primary is, `host:port`. @returns undefined where it watches none of that name */
  primary(): Promise<string | undefined>;
  /** The others, without itself. */
  others(): Promise<readonly KnownToSentinel[]>;
  replicas(): Promise<readonly KnownToSentinel[]>;
  /** Has another Redis become the primary, without the others' consent. Resolves when it begins. */
  failOver(): Promise<void>;
  /** Forgets others and replicas, and finds again within seconds those that there are. */
  forgetAll(): Promise<void>;
}

/** One question, as a whole, ms. */
const PATIENCE_MS = 3000;

export interface AskSentinelOptions {
  readonly redis: RedisConfig;
  /** `host:port` */
  readonly address: string;
}

/**
 * Asks one Sentinel over a connection of its own.
 *
 * @throws Error where it does not answer, or not within 3 s for each question.
 */
export async function askSentinel<T>(
  { redis, address }: AskSentinelOptions,
  ask: (questions: SentinelQuestions) => Promise<T>,
): Promise<T> {
  const client = new Redis({
    ...sentinelConnection(redis, address),
    connectTimeout: PATIENCE_MS,
    commandTimeout: PATIENCE_MS,
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    enableReadyCheck: false,
    disableClientInfo: true,
  });
  let last: Error | undefined;
  client.on('error', (error: Error) => {
    // What is asked fails with less than this says.
    last = error;
  });
  try {
    await client.connect();
    return await ask(questionsOf(client, redis.sentinel_master_name));
  } catch (error) {
    throw last ?? error;
  } finally {
    client.disconnect();
  }
}

function questionsOf(client: Redis, name: string): SentinelQuestions {
  const list = async (what: string): Promise<KnownToSentinel[]> => {
    const answer = await client.call('SENTINEL', what, name);
    return Array.isArray(answer) ? answer.flatMap(knownIn) : [];
  };
  return {
    primary: async () => {
      const answer = await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name);
      if (!Array.isArray(answer)) return undefined;
      const [host, port] = answer;
      return hostPort(String(host), String(port));
    },
    others: () => list('SENTINELS'),
    replicas: () => list('REPLICAS'),
    failOver: async () => {
      await client.call('SENTINEL', 'FAILOVER', name);
    },
    forgetAll: async () => {
      await client.call('SENTINEL', 'RESET', name);
    },
  };
}

/** Fields and values one after the other, as Redis sends them. */
function knownIn(answer: unknown): KnownToSentinel[] {
  if (!Array.isArray(answer)) return [];
  const of = (field: string): string => {
    const at = answer.indexOf(field);
    return at < 0 || at % 2 === 1 ? '' : String(answer[at + 1]);
  };
  const [ip, port] = [of('ip'), of('port')];
  if (ip === '' || port === '') return [];
  const flags = of('flags').split(',');
  const isDown = flags.some((flag) => ['s_down', 'o_down'].includes(flag));
  return [{ address: hostPort(ip, port), isDown }];
}

const hostPort = (host: string, port: string): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
