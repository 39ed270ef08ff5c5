import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Coturn, CoturnError, type CoturnOptions } from '../../node-image/lifecycle/coturn';
import { answersStun } from '../../node-image/lifecycle/coturn-probe';
import { turnCredentials } from '../../node-image/signaling/ice-servers';
import { until } from '../support/wait';
import { type Endpoint, TurnClient, TurnRefusal } from './support/turn-client';

const secret = 'a-secret-of-this-test_0';
const previousSecret = 'the-secret-before-of-it_0';
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined };
const credentialsFor = (participantSid: string, ttlSeconds = 300, with_ = secret) =>
  turnCredentials(with_, { participantSid, nowMs: Date.now() }, ttlSeconds);

/** A port that is free for TCP now; coturn wants it for UDP as well. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
}

const optionsFor = (port: number, changes: Partial<CoturnOptions> = {}): CoturnOptions => ({
  config: {
    listenAddresses: ['127.0.0.1'],
    port,
    relayAddresses: ['127.0.0.1'],
    relayPortStart: 38_900,
    relayPortEnd: 38_999,
    secret,
    previousSecret,
    allocationsPerUser: 2,
    allowedPeers: ['127.0.0.1'],
    deniedPeers: ['127.0.0.66'],
  },
  log,
  restartMinMs: 50,
  ...changes,
});

describe('coturn', () => {
  let server: Endpoint;
  let coturn: Coturn;
  const clients: TurnClient[] = [];
  const client = (credentials: { username: string; credential: string }): TurnClient => {
    const made = new TurnClient(server, credentials);
    clients.push(made);
    return made;
  };

  before(async () => {
    server = { address: '127.0.0.1', port: await freePort() };
    coturn = new Coturn(optionsFor(server.port));
    await coturn.start();
  });
  after(async () => {
    for (const made of clients) made.close();
    await coturn.close();
  });

  test('relays to a node for a participant with our credentials', async () => {
    const node = createSocket('udp4').bind(0, '127.0.0.1');
    await new Promise((resolve) => node.once('listening', resolve));
    const received = new Promise<string>((resolve) => {
      node.once('message', (data, from) => resolve(`${data} from ${from.port}`));
    });
    const alice = client(credentialsFor('PA_alice'));
    const relayed = await alice.allocate();
    assert.ok(relayed.port >= 38_900 && relayed.port <= 38_999);
    const peer = { address: '127.0.0.1', port: node.address().port };
    await alice.permit(peer);
    alice.send(peer, Buffer.from('hello'));
    assert.equal(await received, `hello from ${relayed.port}`);
    node.close();
  });

  test('relays to other nodes while it is told of them, and never to what is denied', async () => {
    const other = { address: '127.0.0.7', port: 50_000 };
    const denied = { address: '127.0.0.66', port: 50_000 };
    const bob = client(credentialsFor('PA_bob'));
    await bob.allocate();
    const answer = (peer: Endpoint): Promise<number> =>
      bob.permit(peer).then(
        () => 200,
        (error: unknown) => (error instanceof TurnRefusal ? error.code : 0),
      );
    assert.equal(await answer(other), 403);
    await coturn.allow([other.address, denied.address]);
    await until('the other node to be allowed', async () => (await answer(other)) === 200);
    assert.equal(await answer(denied), 403);
    assert.equal(await answer({ address: '127.0.0.8', port: 50_000 }), 403);
    await coturn.allow([]);
    await until('it to be refused again', async () => (await answer(other)) === 403);
  });

  test('takes credentials of the secret before, while the nodes change to another', async () => {
    for (const one of [secret, previousSecret]) {
      await client(credentialsFor('PA_rotating', 300, one)).allocate();
    }
  });

  test('refuses wrong, expired and foreign credentials', async () => {
    const refused = [
      { username: credentialsFor('PA_b').username, credential: 'guess' },
      credentialsFor('PA_b', -1),
      credentialsFor('PA_b', 300, 'another-secret-of-16'),
      { ...credentialsFor('PA_b'), username: credentialsFor('PA_c', 600).username },
    ];
    for (const credentials of refused) {
      await assert.rejects(client(credentials).allocate(), new TurnRefusal(401));
    }
  });

  test('forgets within a minute a client that has vanished, whatever life it asked for', async () => {
    for (const wish of [undefined, 600, 3600]) {
      const { lifetimeSeconds } = await client(credentialsFor(`PA_life_${wish}`)).allocate(wish);
      assert.equal(lifetimeSeconds, 60);
    }
  });

  test('relays to the networks that are allowed, without what is denied of them', async () => {
    const { config } = optionsFor(await freePort());
    const allowedPeers = ['127.0.0.1', '10.77.0.0/16'];
    const other = new Coturn({
      config: { ...config, allowedPeers, deniedPeers: ['10.77.3.0/24'] },
      log,
    });
    await other.start();
    const own = { address: '127.0.0.1', port: config.port };
    const alice = new TurnClient(own, credentialsFor('PA_network'));
    await alice.allocate();
    await alice.permit({ address: '10.77.0.9', port: 7882 });
    for (const address of ['10.77.3.9', '10.78.0.1', '127.0.0.2']) {
      await assert.rejects(alice.permit({ address, port: 7882 }), new TurnRefusal(403));
    }
    alice.close();
    await other.close();
  });

  test('refuses to relay to anything but a node', async () => {
    const alice = client(credentialsFor('PA_d'));
    await alice.allocate();
    for (const address of ['127.0.0.2', '10.0.0.1', '169.254.169.254', '8.8.8.8', '224.0.0.1']) {
      await assert.rejects(alice.permit({ address, port: 80 }), new TurnRefusal(403));
    }
  });

  test('gives one participant so many allocations, whatever credentials it uses', async () => {
    await client(credentialsFor('PA_e', 300)).allocate();
    await client(credentialsFor('PA_e', 400)).allocate();
    await assert.rejects(client(credentialsFor('PA_e', 500)).allocate(), new TurnRefusal(486));
    await client(credentialsFor('PA_f')).allocate();
  });

  test('has the secret neither in its arguments nor in its environment, but in a private file', () => {
    const process = `/proc/${coturn.pid}`;
    assert.ok(!readFileSync(`${process}/environ`, 'utf8').includes(secret));
    const [, , file = ''] = readFileSync(`${process}/cmdline`, 'utf8').split('\0');
    assert.ok(!readFileSync(`${process}/cmdline`, 'utf8').includes(secret));
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(statSync(join(file, '..')).mode & 0o777, 0o700);
  });

  test('is started again when it dies, and works as before', async () => {
    const { pid } = coturn;
    assert.ok(pid);
    process.kill(pid, 'SIGKILL');
    const deadline = Date.now() + 5000;
    while ((coturn.pid === pid || coturn.pid === undefined) && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    while (!(await answersStun(server.address, server.port, 200)) && Date.now() < deadline);
    assert.equal(coturn.restarts, 1);
    assert.equal(coturn.trouble, undefined);
    await client(credentialsFor('PA_alice')).allocate();
  });

  test('says that the port is taken, although coturn would share it', async () => {
    const second = new Coturn(optionsFor(server.port));
    await assert.rejects(
      second.start(),
      new RegExp(`TURN cannot listen on port ${server.port}: another program has it`),
    );
    await second.close();
  });
});

describe('Coturn', () => {
  test('says in one sentence how to install what is missing', async () => {
    const coturn = new Coturn(optionsFor(await freePort(), { command: 'no-such-turnserver' }));
    await assert.rejects(coturn.start(), (error) => {
      assert.ok(error instanceof CoturnError);
      assert.match(error.message, /^no-such-turnserver is not installed: apt install coturn/);
      return true;
    });
  });

  test('says why when the process ends at once', async () => {
    const coturn = new Coturn(optionsFor(await freePort(), { command: 'false' }));
    await assert.rejects(coturn.start(), /^CoturnError: The TURN server ended \(1\)/);
  });

  test('leaves neither a process nor a file behind', async () => {
    const port = await freePort();
    const coturn = new Coturn(optionsFor(port));
    await coturn.start();
    const [, , file = ''] = readFileSync(`/proc/${coturn.pid}/cmdline`, 'utf8').split('\0');
    assert.ok(existsSync(file));
    const { pid } = coturn;
    assert.ok(pid);
    await Promise.all([coturn.close(), coturn.close()]);
    assert.throws(() => process.kill(pid, 0));
    assert.equal(await answersStun('127.0.0.1', port, 200), false);
    assert.equal(coturn.pid, undefined);
    assert.ok(!existsSync(join(file, '..')));
  });

  test('listens on every address and on further ports when told to', async () => {
    const { config } = optionsFor(await freePort());
    const extraPort = await freePort();
    const coturn = new Coturn({
      config: { ...config, listenAddresses: ['0.0.0.0'], extraPorts: [extraPort] },
      log,
    });
    await coturn.start();
    for (const port of [config.port, extraPort]) {
      assert.ok(await answersStun('127.0.0.1', port, 1000), String(port));
      await new Promise((resolve, reject) => {
        const socket = connect(port, '127.0.0.1', () => resolve(socket.destroy()));
        socket.on('error', reject);
      });
    }
    await coturn.close();
  });

  test('can be closed while it starts', async () => {
    const coturn = new Coturn(optionsFor(await freePort()));
    const started = coturn.start().catch((error: unknown) => error);
    await coturn.close();
    assert.ok((await started) instanceof CoturnError);
    assert.equal(coturn.pid, undefined);
  });
});
