import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Call, worstGapOf } from '../cluster/support/calls';
import { allBlocks } from '../docs/support/pages';
import type { CallClient } from '../support/call-client';
import type { RustClients } from '../support/call-client-rust';
import { joinToken, type Signer } from '../support/tokens';
import { until } from '../support/wait';
import { installedBase } from './support/installed-root';
import {
  ADMIN,
  callGoesOn,
  clientsNear,
  done,
  isUntouched,
  refused,
  signerOf,
} from './support/own-cluster';
import { type OwnMachine, OwnNetwork } from './support/own-network';

const DOMAIN = 'meet.example.com';
const DOCUMENTED = allBlocks()
  .filter(
    ({ page, notRun }) => page === 'docs/own-machines.md' && /own-machines-ha/.test(notRun ?? ''),
  )
  .flatMap(({ text }) => text.trim().split('\n'));
const BALANCER_PORT = 8443;
const CLIENTS_URL = `wss://${DOMAIN}:${BALANCER_PORT}`;
/** What the page says of a load balancer: TCP is passed on, and `GET /` asked for by HTTPS. */
const balancerFile = (addresses: readonly string[]): string =>
  [
    ...['defaults', ' mode tcp', ' timeout connect 1s', ' timeout client 1h', ' timeout server 1h'],
    ...[' retries 3', ' option redispatch', 'listen masters', ` bind :${BALANCER_PORT}`],
    ' option httpchk GET /',
    ' default-server inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions',
    ...addresses.map((address, i) => ` server m${i} ${address}:443 check check-ssl verify none`),
    '',
  ].join('\\n');
/** redis-cli with the password that the machine has made. */
const CLI = '. /run/sluice/secrets/node.env; export REDISCLI_AUTH=$REDIS_PASSWORD; redis-cli';
/** Nothing of it may be longer than this, of what a client sees of the other; it has 5 pictures a second. */
const LONGEST_GAP_MS = 4000;
const NEW_ROOM_MS = 30_000;

/** Three Master Nodes, made by what an administrator types, one of which loses its power; then another. */
describe('own machines with High Availability', { concurrency: 1 }, () => {
  let network: OwnNetwork;
  let media: OwnMachine[] = [];
  let masters: OwnMachine[] = [];
  let spare: OwnMachine;
  let clients: RustClients | undefined;
  let signer: Signer = { apiKey: '', apiSecret: '' };
  let folder = '';
  let said = '';
  let call: Call = { room: 'demo', members: [] };
  const typed = new Set<string>();

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-own-ha-'));
    network = new OwnNetwork(installedBase());
    // The first is the switch that the others are connected to, and is not to lose its power.
    const names = 'media-1 media-2 media-3 master-1 master-2 master-3 master-4'.split(' ');
    const all: OwnMachine[] = [];
    for (const name of names) all.push(await network.boot(name));
    media = all.slice(0, 3);
    masters = all.slice(3, 6);
    spare = all[6] ?? assert.fail();
    const hosts = [...masters, spare].map(({ address }) => `${address} ${DOMAIN}\n`).join('');
    for (const { sh } of all) assert.equal(sh(`printf '${hosts}' >> /etc/hosts`).status, 0);
    // Clients come by a load balancer, which is on the machine that is not to lose its power.
    const balancer = media[0] ?? assert.fail();
    const file = balancerFile([...masters, spare].map(({ address }) => address));
    assert.equal(balancer.sh(`printf '${file}' > /root/balancer.cfg`).status, 0);
    const started = balancer.sh('haproxy -D -f /root/balancer.cfg');
    assert.equal(started.status, 0, started.output);
  });
  after(async () => {
    await clients?.close();
    await network?.cutPower();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs a command of the page. */
  const asDocumented = (machine: OwnMachine, command: string, TOKEN = 'TOKEN'): string => {
    assert.ok(DOCUMENTED.includes(command), command);
    typed.add(command);
    const admin = /^sluice (?:init|join)/.test(command) ? '' : `${ADMIN}; `;
    return done(machine, `${admin}${command.replace('TOKEN', TOKEN)}`);
  };
  const refusedAsNew = (machine: OwnMachine, command: string, sentence: RegExp): void => {
    refused(machine, command, sentence);
    isUntouched(machine);
  };
  const nodes = (asked: OwnMachine): string[] => {
    const { nodes: all } = JSON.parse(done(asked, `${ADMIN}; sluice nodes --json`));
    return all
      .filter(({ stale }: { stale: boolean }) => !stale)
      .map((node: { record: { machineId: string; role: string }; state: string }) =>
        [node.record.machineId, node.record.role, node.state].join(' '),
      )
      .sort();
  };
  const newToken = (asked: OwnMachine, role = 'media'): string =>
    role === 'media'
      ? (done(asked, `${ADMIN}; sluice token create`).split('\n')[0] ?? '')
      : (asDocumented(asked, 'sluice token create --role master').split('\n')[0] ?? '');
  const joinAsMaster = (machine: OwnMachine, token: string): void => {
    const typedThere = 'sluice join --role master --master meet.example.com --token TOKEN';
    const name = done(machine, 'cat /etc/hostname').trim();
    const output = asDocumented(machine, typedThere, token);
    assert.match(output, new RegExp(`^join: ${name} serves$`, 'm'));
  };
  const agreed = (machine: OwnMachine): string =>
    machine.sh(`${CLI} -p 26379 SENTINEL CKQUORUM sluice`).output.trim();
  const knownTo = (machine: OwnMachine): string =>
    machine.sh(`${CLI} -p 26379 SENTINEL SENTINELS sluice | grep -A1 '^ip$' | grep '^10' | sort`)
      .output;
  const isPrimary = (machine: OwnMachine): boolean =>
    machine.sh(`${CLI} INFO replication`).output.includes('role:master');
  const allAgree = (machines: readonly OwnMachine[], timeoutMs: number): Promise<unknown> =>
    until(
      'three Sentinels that know each other and no others',
      () =>
        machines.every((one) => {
          const others = machines.filter((other) => other !== one).map(({ address }) => address);
          return knownTo(one).trim() === others.sort().join('\n');
        }),
      { timeoutMs, intervalMs: 2000, explain: () => machines.map(knownTo).join('\n--\n') },
    );
  /** How long after a moment a Room was there that had not been, ms. */
  const newRoom = async (asked: OwnMachine, name: string, sinceMs: number): Promise<number> => {
    const grant = { roomCreate: true };
    const token = await joinToken(signer, name, 'admin', { grant });
    const url = 'https://127.0.0.1/twirp/livekit.RoomService/CreateRoom';
    const post = `curl -sk --max-time 5 -H 'Authorization: Bearer ${token}' -H 'Content-Type: application/json' -d '{"name":"${name}"}' ${url}`;
    await until('a new Room', () => asked.sh(post).output.includes('"sid"'), {
      timeoutMs: NEW_ROOM_MS,
      intervalMs: 300,
      explain: () => `${asked.sh(post).output}\n${asked.container.journal()}`,
    });
    return Date.now() - sinceMs;
  };
  /** The call goes on, and its pictures never stood still for long. */
  const goesOn = async (sinceMs = Date.now()): Promise<void> => {
    await callGoesOn(call);
    const gap = await worstGapOf([call], sinceMs);
    assert.ok(gap < LONGEST_GAP_MS, `the worst gap in a picture was ${gap} ms`);
    for (const member of call.members) {
      const { events } = await member.status(sinceMs);
      assert.ok(!events.some(({ name }) => name === 'trackGone'), member.identity);
    }
  };

  test('init makes the first of several, and prints what makes nodes of both roles', () => {
    const [first = assert.fail()] = masters;
    const make = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=${DOMAIN} -addext subjectAltName=DNS:${DOMAIN} -addext basicConstraints=critical,CA:FALSE`;
    done(first, `openssl ${make} -keyout /etc/ssl/key.pem -out /etc/ssl/meet.pem 2>/dev/null`);
    done(first, 'cat /etc/ssl/key.pem >> /etc/ssl/meet.pem');
    said = asDocumented(
      first,
      'sluice init --high-availability --domain meet.example.com --certificate /etc/ssl/meet.pem',
    );
    assert.match(said, /^ {2}sluice join --role master --master meet\.example\.com --token \S+$/m);
    assert.deepEqual(nodes(first), ['master-1 master serving']);
    const keep = 'sha256sum /etc/sluice/secrets/*; systemctl show -p MainPID sluice-node';
    const kept = done(first, keep);
    done(first, `sluice init --domain ${DOMAIN} --certificate /etc/ssl/meet.pem`);
    assert.equal(done(first, keep), kept);
  });

  test('machines become Master Nodes and Media Nodes by tokens for that', async () => {
    const [first = assert.fail(), second = assert.fail(), third = assert.fail()] = masters;
    const [ofMedia = ''] = /(?<=join --master \S+ --token )\S+/.exec(said) ?? [];
    const [ofMaster = ''] = /(?<=--role master --master \S+ --token )\S+/.exec(said) ?? [];
    const [m1 = assert.fail(), m2 = assert.fail(), m3 = assert.fail()] = media;
    // The only Sentinel that it is told of is the one that is going to be lost.
    done(m1, `sluice join --master ${first.address} --token ${ofMedia}`);
    const asMaster = (token: string): string =>
      `sluice join --role master --master ${DOMAIN} --token ${token}`;
    refusedAsNew(
      second,
      asMaster(newToken(first)),
      /^This token makes a Media Node, and this machine/,
    );
    refusedAsNew(
      m2,
      `sluice join --master ${DOMAIN} --token ${ofMaster}`,
      /^This token makes a Master/,
    );
    done(second, 'mkdir -p /var/lib/sluice/redis && touch /var/lib/sluice/redis/dump.rdb');
    refusedAsNew(second, asMaster(ofMaster), /^The Redis of this machine is not empty/);
    done(second, 'rm /var/lib/sluice/redis/dump.rdb');
    joinAsMaster(second, ofMaster);
    refusedAsNew(third, asMaster(ofMaster), /^This token was used by master-2/);
    // Any Master Node makes tokens, and any takes them.
    joinAsMaster(third, newToken(second, 'master'));
    done(m2, `sluice join --master ${third.address} --token ${newToken(second)}`);
    done(m3, `sluice join --master ${second.address} --token ${newToken(third)}`);
    assert.deepEqual(nodes(third), [
      ...['master-1', 'master-2', 'master-3'].map((name) => `${name} master serving`),
      ...['media-1', 'media-2', 'media-3'].map((name) => `${name} media serving`),
    ]);
    await allAgree(masters, 30_000);
    for (const one of masters) assert.match(agreed(one), /^OK 3 usable Sentinels/);
    const shared =
      'sha256sum /etc/sluice/secrets/cluster /etc/sluice/secrets/api_key /etc/sluice/tls/entry.pem';
    assert.equal(new Set(masters.map((one) => done(one, shared))).size, 1);
  });

  test('Redis and Sentinel are on the private address, with a password that nobody sees', () => {
    for (const { sh, address } of masters) {
      for (const port of [6379, 26_379]) {
        const listens = sh(`ss -Hltn 'sport = :${port}' | awk '{print $4}'`).output.trim();
        const allowed = [`${address}:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`];
        for (const each of listens.split('\n')) assert.ok(allowed.includes(each), listens);
        assert.match(sh(`redis-cli -h ${address} -p ${port} PING`).output, /NOAUTH/);
      }
      const password = sh(
        'sed -n "s/^REDIS_PASSWORD=\'\\(.*\\)\'/\\1/p" /run/sluice/secrets/node.env',
      );
      assert.match(password.output, /^[0-9a-f]{64}\n$/);
      assert.ok(!sh('cat /proc/[0-9]*/cmdline').output.includes(password.output.trim()));
      const seen = sh('journalctl -o cat --no-pager').output;
      assert.ok(!seen.includes(password.output.trim()));
    }
  });

  test('a Master Node loses its power, and Redis with it: a call goes on, and new Rooms come', async () => {
    const [first = assert.fail(), second = assert.fail(), third = assert.fail()] = masters;
    assert.ok(isPrimary(first));
    signer = signerOf(first);
    const balancer = media[0] ?? assert.fail();
    // For clients the name leads to the load balancer.
    const hosts = `127.0.0.1 localhost\n${balancer.address} ${DOMAIN}\n`;
    clients = await clientsNear(balancer, { master: first, folder, hosts });
    const members: CallClient[] = [];
    for (const identity of ['ada', 'bob']) {
      const token = await joinToken(signer, 'demo', identity);
      members.push(await clients.join(identity, CLIENTS_URL, token));
    }
    call = { ...call, members };
    await goesOn();
    const lostMs = Date.now();
    await first.container.cutPower();
    const tookMs = await newRoom(second, 'after-one', lostMs);
    assert.ok(tookMs < NEW_ROOM_MS, `${tookMs} ms`);
    assert.ok([second, third].some(isPrimary));
    const token = await joinToken(signer, 'after-one', 'eve');
    const eve = await clients.join('eve', CLIENTS_URL, token);
    await eve.leave();
    await goesOn(lostMs);
    await until(
      'all Media Nodes to be back in the registry',
      () => nodes(third).filter((one) => one.includes(' media serving')).length === 3,
      { timeoutMs: 20_000, intervalMs: 500, explain: () => nodes(third).join() },
    );
  });

  test('another machine takes its place, and the Sentinels forget the lost one', async () => {
    const [, second = assert.fail(), third = assert.fail()] = masters;
    const forget = 'sluice remove master-1 --force';
    assert.ok(DOCUMENTED.includes(forget));
    typed.add(forget);
    const { status, output } = second.sh(`${ADMIN}; ${forget}`);
    // The cluster may find out by itself first.
    assert.match(output, status === 0 ? /is forgotten/ : /^No node has the id or the machine/);
    joinAsMaster(spare, newToken(third, 'master'));
    masters = [second, third, spare];
    assert.deepEqual(
      nodes(spare).filter((one) => one.includes('master ')),
      ['master-2', 'master-3', 'master-4'].map((name) => `${name} master serving`),
    );
    await allAgree(masters, 180_000);
    await until('the replacement to be audited', () =>
      done(spare, `${ADMIN}; sluice audit --json`).includes('gone and replaced'),
    );
    for (const one of masters) assert.match(agreed(one), /^OK 3 usable Sentinels/);
  });

  test('a Media Node that starts again finds them, though its file names the lost one alone', async () => {
    const [m1 = assert.fail()] = media;
    const file = done(m1, 'cat /etc/sluice/sluice.yaml');
    assert.match(file, /sentinel_addresses:\n +- 10\.0\.0\.8:26379\n/);
    done(spare, `${ADMIN}; sluice drain media-1 --patience 0 --deadline 2m --wait`);
    done(m1, 'systemctl restart --no-block sluice-node');
    await until(
      'the Media Node to serve again',
      () => nodes(spare).includes('media-1 media serving'),
      { timeoutMs: 90_000, intervalMs: 1000, explain: () => m1.container.journal() },
    );
    await goesOn();
  });

  test('the next one may be lost as well', async () => {
    const primary = masters.find(isPrimary) ?? assert.fail();
    const others = masters.filter((one) => one !== primary);
    const lostMs = Date.now();
    await primary.container.cutPower();
    const tookMs = await newRoom(others[0] ?? assert.fail(), 'after-two', lostMs);
    assert.ok(tookMs < NEW_ROOM_MS, `${tookMs} ms`);
    await goesOn(lostMs);
    const { status, output } = others[0]?.sh('sluice leave') ?? assert.fail();
    assert.equal(status, 1);
    assert.match(output, /^This machine is a Master Node, and one other is seen: /);
  });

  test('every command of that part of the page was typed', () => {
    assert.deepEqual([...typed].sort(), [...new Set(DOCUMENTED)].sort());
  });
});
