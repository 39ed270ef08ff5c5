import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { after, before, describe, test } from 'node:test';
import { Coturn } from '../../node-image/lifecycle/coturn';
import { countRelaySockets } from '../../node-image/lifecycle/turn-allocations';
import { tryTurn } from '../../node-image/net/turn-allocation';
import { iceServersFor } from '../../node-image/signaling/ice-servers';
import { log } from '../media/support/media';
import { freePortRange } from '../support/ports';
import { until } from '../support/wait';

const SECRET = 'a-secret-of-coturn-0123456789';
const host = '127.0.0.1';

describe('asking a TURN server for a relay', () => {
  let turn: Coturn;
  let port = 0;
  let range = 0;
  before(async () => {
    range = await freePortRange(9);
    port = range + 8;
    turn = new Coturn({
      config: {
        listenAddresses: [host],
        port,
        relayAddresses: [host],
        relayPortStart: range,
        relayPortEnd: range + 7,
        secret: SECRET,
        allowedPeers: [host],
      },
      log,
    });
    await turn.start();
  });
  after(() => turn.close());

  const credentials = (secret: string) => {
    const [server] = iceServersFor(
      {
        own: {
          secret,
          addresses: [host],
          port,
          udpPorts: [],
          tlsDomain: undefined,
          ttlSeconds: 60,
        },
        turnServers: [],
        stunServers: [],
      },
      { participantSid: 'PA_doctor', nowMs: Date.now() },
    );
    return { username: server?.username ?? '', credential: server?.credential ?? '' };
  };

  test('gets one with credentials, and gives it back', async () => {
    const answer = await tryTurn({
      host,
      port,
      timeoutMs: 5000,
      credentials: credentials(SECRET),
    });
    assert.ok(answer.kind === 'relays', JSON.stringify(answer));
    assert.equal(answer.relay.address, host);
    assert.ok(answer.relay.port >= range && answer.relay.port < range + 8);
    // coturn would keep one that is not given back for a minute.
    await until('the relay to be closed', () => {
      return countRelaySockets({ start: range, end: range + 7 }) === 0;
    });
  });

  test('is asked who it is without, and refused with wrong ones', async () => {
    assert.deepEqual(await tryTurn({ host, port, timeoutMs: 5000 }), { kind: 'asks' });
    const wrong = credentials('another-secret-0123456789');
    assert.deepEqual(await tryTurn({ host, port, timeoutMs: 5000, credentials: wrong }), {
      kind: 'refuses',
      code: 401,
    });
  });

  test('hears nothing where nobody is', async () => {
    const silent = createSocket('udp4');
    await new Promise<void>((resolve) => silent.bind(0, host, resolve));
    try {
      const answer = await tryTurn({ host, port: silent.address().port, timeoutMs: 100 });
      assert.deepEqual(answer, { kind: 'silent' });
    } finally {
      silent.close();
    }
  });
});
