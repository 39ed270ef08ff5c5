import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { SluiceConfigInput } from '../../node-image/contract';
import { Coturn } from '../../node-image/lifecycle/coturn';
import { derivedSecret } from '../../node-image/lifecycle/derived-secret';
import { log } from '../media/support/media';
import { type RedisLink, startRedisLink } from '../support/cluster-redis-link';
import { startRedis, startSentinels, type TestRedis, type TestSentinels } from '../support/redis';
import { fakeNode, takeUdp } from './support/fake-node';
import { spoiledRedis } from './support/spoiled-redis';
import {
  bad,
  type CasesOf,
  casesOf,
  doctor,
  HOST,
  tells,
  type WorldOptions,
  type WorldPorts,
} from './support/world';

const PASSWORD = 'a-password-of-redis-0123456789';
const SECRET = 'c'.repeat(32);
const CONFIGURED = 'of-the-configuration-0123';
const AHEAD_SECONDS = 100;

type Redis = SluiceConfigInput['redis'];
type Sluice = NonNullable<SluiceConfigInput['sluice']>;

let redis: TestRedis;
let replica: TestRedis;
let evicting: TestRedis;
let slow: RedisLink;
let old: Awaited<ReturnType<typeof spoiledRedis>>;
let sentinels: TestSentinels;
let misled: Awaited<ReturnType<typeof spoiledRedis>>;
let lonely: Awaited<ReturnType<typeof spoiledRedis>>;
let ahead: Awaited<ReturnType<typeof spoiledRedis>>;
before(async () => {
  redis = await startRedis({ password: PASSWORD });
  const follows = ['--replicaof', HOST, `${redis.port}`, '--masterauth', PASSWORD];
  replica = await startRedis({ args: follows });
  const evicts = ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'];
  evicting = await startRedis({ args: evicts });
  slow = await startRedisLink({ port: redis.port });
  slow.delay(80);
  old = await spoiledRedis(redis.port, (text) =>
    text.replace(/redis_version:\d/, 'redis_version:5'),
  );
  ahead = await spoiledRedis(redis.port, (text) =>
    text.replace(/^(\*2\r\n\$10\r\n)(\d{10})/, (_, head: string, seconds: string) => {
      return `${head}${Number(seconds) + AHEAD_SECONDS}`;
    }),
  );
  sentinels = await startSentinels();
  const [asked = 0, other = 0] = sentinelPorts();
  misled = await spoiledRedis(asked, (text) => text.replaceAll(`${other}`, NOBODY));
  const others = /^\*2\r\n[*%]\d+\r\n\$4\r\nname/;
  lonely = await spoiledRedis(asked, (text) => (others.test(text) ? '*0\r\n' : text));
});
after(async () => {
  for (const each of [lonely, misled, sentinels, ahead, old, slow, replica, evicting, redis])
    await each.close();
});

const of = (role: Sluice['role']): Sluice => ({ role, workers: 1, cluster: { secret: SECRET } });
const master = (section: Redis): SluiceConfigInput => ({ redis: section, sluice: of('master') });
/** A port of as many digits as that of a Sentinel, at which nobody is. */
const NOBODY = '10001';
const sentinelPorts = (): number[] =>
  (sentinels.config.sentinel_addresses ?? []).map((address) => Number(address.split(':')[1]));
const watched = (...ports: number[]): Redis => ({
  ...sentinels.config,
  sentinel_addresses: ports.map((port) => `${HOST}:${port}`),
});
/** What a node has kept of the Sentinels that it knew last. */
const LEARNED = '/var/lib/sluice/node/sentinels.json';
const learned = (addresses: readonly string[]) => ({
  [LEARNED]: JSON.stringify({ format: 1, sentinels: addresses }),
});
/** The good Redis, at another address. */
const at = (address: string): Redis => ({ address, password: PASSWORD });

const turn = ({ turn: port }: WorldPorts, more: SluiceConfigInput = {}): SluiceConfigInput => ({
  turn: { enabled: true, udp_port: port, bind_addresses: [HOST] },
  ...more,
});
const media = (ports: WorldPorts): SluiceConfigInput => ({
  ...turn(ports),
  redis: redis.config,
  sluice: { ...of('media'), node_link: { address: HOST, port: ports.link } },
});

/** A Media Node, and its coturn with this secret. */
const mediaNode =
  (secret: string): NonNullable<WorldOptions['beside']> =>
  async (ports) => {
    const coturn = await startCoturn(ports.turn, secret);
    const node = await fakeNode(ports, { also: [ports.link] });
    return { close: async () => Promise.all([node.close(), coturn.close()]) };
  };

async function startCoturn(port: number, secret: string): Promise<Coturn> {
  const coturn = new Coturn({
    config: {
      listenAddresses: [HOST],
      port,
      relayAddresses: [HOST],
      allowedPeers: [HOST],
      secret,
    },
    log,
  });
  await coturn.start();
  return coturn;
}

const ownServer = ({ spare }: WorldPorts): SluiceConfigInput => ({
  rtc: { turn_servers: [{ host: HOST, port: spare, protocol: 'udp', secret: CONFIGURED }] },
});

const CASES: CasesOf<'cluster'> = {
  'redis-away': {
    config: ({ spare }) => master(at(`${HOST}:${spare}`)),
    check: 'Redis',
    found: /^127\.0\.0\.1:\d+ is not reached: .*ECONNREFUSED/,
    todo: /its firewall lets this machine in/,
  },
  'redis-login': {
    config: () => master({ ...redis.config, password: 'wrong' }),
    check: 'Redis',
    found: /does not let this node in: .*WRONGPASS/,
    todo: /redis\.username and redis\.password/,
  },
  'redis-replica': {
    config: () => master(replica.config),
    check: 'Redis',
    found: /^127\.0\.0\.1:\d+ is a replica, and takes no writes$/,
    todo: /redis\.sentinel_addresses/,
  },
  'redis-old': {
    config: () => master(at(`${HOST}:${old.port}`)),
    check: 'Redis',
    found: /^127\.0\.0\.1:\d+ has version 5\.\d+\.\d+, and 7 is the oldest that is tested$/,
    todo: /^Upgrade it/,
  },
  'redis-evicts': {
    config: () => master(evicting.config),
    check: 'Redis',
    found: /throws keys away when it is full: maxmemory-policy allkeys-lru$/,
    todo: /maxmemory-policy noeviction/,
  },
  'redis-slow': {
    config: () => master(at(slow.address)),
    check: 'Redis',
    found: /^127\.0\.0\.1:\d+ takes \d+ ms at best, and a node waits 400 ms/,
    todo: /same region/,
  },
  'redis-clock': {
    config: () => master(at(`${HOST}:${ahead.port}`)),
    check: 'Clock',
    found: /^it is (99|100)\.\d+ s behind the machine of Redis$/,
    todo: /timedatectl set-ntp true/,
  },
  'sentinel-away': {
    config: () => master(watched(misled.port)),
    check: 'Sentinel',
    found:
      /^127\.0\.0\.1:10001 runs, as another Sentinel says, and is not reached from here: .*REFUSED/,
    todo: /to TCP 26379/,
  },
  'sentinel-few': {
    config: () => master(watched(lonely.port)),
    check: 'Sentinel',
    found: /^1 of the 3 that it takes answers: when another Master Node is lost/,
    todo: /sluice join --role master/,
  },
  'turn-missing': {
    config: turn,
    programs: { 'turnserver --version': undefined },
    check: 'TURN',
    found: /coturn is not installed$/,
    todo: /apt install coturn/,
  },
  'turn-silent': {
    config: turn,
    beside: (ports) => fakeNode(ports, { also: [ports.turn] }),
    check: 'TURN',
    found: /^coturn at UDP port \d+ does not answer$/,
    todo: /journalctl -u sluice-node/,
  },
  'turn-refuses': {
    config: media,
    beside: mediaNode('another-secret-0123456789'),
    check: 'TURN',
    found: /^coturn at UDP port \d+ gives no relay: error 401, it does not take the credentials$/,
    todo: /another cluster secret/,
  },
  'turn-server-silent': {
    config: ownServer,
    beside: async ({ spare }) => ({ close: await takeUdp(spare) }),
    check: `TURN server ${HOST}`,
    found: /^it does not answer at UDP port \d+$/,
    todo: /rtc\.turn_servers/,
  },
  'turn-server-refuses': {
    config: ownServer,
    beside: ({ spare }) => startCoturn(spare, 'of-the-server-0123456789'),
    check: `TURN server ${HOST}`,
    found: /^it gives no relay: error 401, it does not take the credentials$/,
    todo: /^Correct username and credential, or secret/,
  },
};

describe('what a node needs of others', () => {
  for (const [problem, each] of casesOf(CASES)) {
    it(`tells ${problem}`, () => tells(problem, each));
  }

  it('finds nothing wrong with a Redis and a TURN server that are as they should be', async () => {
    const report = await doctor({
      config: media,
      beside: mediaNode(derivedSecret(SECRET, 'turn')),
    });
    assert.deepEqual(bad(report), []);
    const told = JSON.stringify(report.findings);
    assert.match(told, /gives relays, such as 127\.0\.0\.1:3\d{4}/);
    assert.match(told, /127\.0\.0\.1:\d+ answers, version \d/);
  });

  it('finds Redis by the Sentinels that the node has learned of, where those of its file are gone', async () => {
    const gone = 10_001;
    const { sentinel_addresses: all = [] } = sentinels.config;
    const world: WorldOptions = {
      config: () => master(watched(gone)),
      question: { isInstalled: true },
    };
    const report = await doctor({ ...world, files: learned(all) });
    assert.deepEqual(bad(report), []);
    assert.match(JSON.stringify(report.findings), /"Sentinel".*?"found":"3 answer: /);
    // The others tell of those that it has not learned of.
    const some = await doctor({ ...world, files: learned(all.slice(0, 1)) });
    assert.deepEqual(bad(some), []);
    for (const files of [{}, { [LEARNED]: '{' }, { [LEARNED]: new Error('EACCES') }]) {
      const without = bad(await doctor({ ...world, files }));
      assert.deepEqual(
        without.map(({ check, status }) => `${check} ${status}`),
        ['Redis failed'],
      );
    }
    const other = await doctor({ ...world, question: { isInstalled: false }, files: learned(all) });
    assert.equal(bad(other).length, 1, 'of another configuration it is not the file');
  });

  it('says no secret, whatever is wrong', async () => {
    const wrong = 'a-password-that-nobody-may-see';
    const secrets = [PASSWORD, SECRET, derivedSecret(SECRET, 'turn'), wrong, CONFIGURED];
    for (const options of [
      { config: () => master({ ...redis.config, password: wrong, username: 'nobody' }) },
      { config: media, beside: mediaNode('another-secret-0123456789') },
      {
        config: ownServer,
        beside: ({ spare }: WorldPorts) => startCoturn(spare, 'of-the-server-0123456789'),
      },
    ]) {
      const told = JSON.stringify(await doctor(options));
      for (const secret of secrets) assert.ok(!told.includes(secret), told);
    }
  });
});
