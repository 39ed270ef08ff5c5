import { after, type TestContext } from 'node:test';
import type { TestPage } from '../../support/browser';
import type { BrowserClient } from '../../support/client';
import { type ClientSuite, clientSuite } from '../../support/client-suite';
import { publishBusyPicture, sendsTopLayer } from './busy-picture';
import { between, type Reading, type Received, readFor } from './measure';
import { ownFragments } from './paths';
import { startUdpRelay, type UdpRelay } from './udp-relay';

/** Alice sends a busy picture and a tone to Bob; one of them is behind a bad line. */
export interface Call {
  readonly alice: BrowserClient;
  readonly bob: BrowserClient;
  readonly relay: UdpRelay;
}

/** The relay is what clients are told, the node listens beside it. */
const RELAY = '127.0.0.2';

/** A suite whose server is reached through a relay. */
export function impairedSuite(): {
  suite: ClientSuite;
  call(behind: 'alice' | 'bob'): Promise<Call>;
} {
  const suite = clientSuite({
    alwaysOwn: true,
    config: { rtc: { node_ip: RELAY, interfaces: { includes: ['lo'] } } },
  });
  let relay: UdpRelay | undefined;
  after(() => relay?.close());

  const call = async (behind: 'alice' | 'bob'): Promise<Call> => {
    const port = suite.server.own?.udpPort ?? 0;
    relay ??= await startUdpRelay({
      listen: { address: RELAY, port },
      target: { address: '127.0.0.1', port },
    });
    relay.setLine('bad', {});
    const room = suite.roomName();
    const pages: Record<string, TestPage> = {
      alice: await suite.openPage(),
      bob: await suite.openPage(),
    };
    const join = (identity: string): Promise<BrowserClient> => {
      const page = pages[identity];
      return suite.join(room, identity, page === undefined ? {} : { page });
    };
    const alice = await join('alice');
    await publishBusyPicture(alice);
    await sendsTopLayer(alice);
    const bob = await join('bob');
    await bob.sees('alice', 'camera', { height: 720, timeoutMs: 20_000 });
    await bob.hears('alice');
    const page = pages[behind];
    if (page !== undefined) relay.assign('bad', await ownFragments(page));
    return { alice, bob, relay };
  };
  return { suite, call };
}

/** What Bob gets in the next seconds. The first seconds, while things settle, can be left out. */
export async function received(
  bob: BrowserClient,
  seconds: number,
  settleSeconds = 0,
): Promise<Received> {
  const readings = await readFor(bob, 'alice', settleSeconds + seconds);
  return between(readings[settleSeconds] as Reading, readings.at(-1) as Reading);
}

/**
 * How long it took until a second of Bob's picture was as wanted, in ms.
 *
 * @throws Error when that takes longer than `limitMs`.
 */
export async function untilPicture(
  bob: BrowserClient,
  fits: (got: Received) => boolean,
  limitMs: number,
): Promise<number> {
  const startMs = Date.now();
  let got: Received;
  do {
    got = await received(bob, 1);
    // The size stays that of the last frame as long as none comes.
    if (got.fps > 0 && fits(got)) return Date.now() - startMs;
  } while (Date.now() - startMs < limitMs);
  throw new Error(`after ${limitMs} ms still ${got.fps} frames a second of ${got.height} lines`);
}

/** Numbers of a run, for whoever reads its log. */
export function note(test: TestContext, name: string, got: Received): void {
  test.diagnostic(
    `${name}: ${got.fps.toFixed(1)} frames/s, ${got.height} lines, ${got.kbps.toFixed(0)} kbit/s, ` +
      `${got.freezes} freezes (${got.frozenS.toFixed(1)} s), ` +
      `sound ${got.energy.toFixed(2)}, ${(got.concealed * 100).toFixed(1)} % concealed`,
  );
}
