/** Run by mtu.test.ts, in the network that in-namespace.sh makes. */
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { clientSuite } from '../../support/client-suite';
import { startServer } from '../../support/server';
import { joinToken } from '../../support/tokens';
import { publishBusyPicture } from './busy-picture';

const suite = clientSuite({ alwaysOwn: true });

/**
 * All goes through the loopback interface here. The kernel refuses a message that it is to cut into
 * packets that are too long for the way, UDP(7); it takes each of them by itself, in fragments.
 */
test('a picture of many packets a frame is seen', { timeout: 60_000 }, async (t) => {
  execFileSync('ip', ['link', 'set', 'lo', 'mtu', '1000']);
  const rtc = { node_ip: '10.87.0.1', enable_loopback_candidate: false };
  const server = await startServer({ alwaysOwn: true, config: { rtc } });
  t.after(() => server.close());
  const room = suite.roomName();
  const [alice, bob] = [await suite.make('alice'), await suite.make('bob')];
  for (const [identity, client] of Object.entries({ alice, bob })) {
    await client.connect(server.url, await joinToken(server, room, identity));
  }
  await publishBusyPicture(alice);
  await bob.sees('alice');
});
