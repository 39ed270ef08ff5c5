/** The machine of `sluice init` is lost under a call, and `sluice restore` makes an empty one that machine again. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Call } from '../cluster/support/calls';
import type { CallClient } from '../support/call-client';
import type { RustClients } from '../support/call-client-rust';
import { joinToken } from '../support/tokens';
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

const PASSPHRASE = '--passphrase-file passphrase';
/** Whose each file is, what is in it, and who may pass. */
const STATE =
  'cd /etc/sluice && find . -type f -exec stat -c "%n %U %G %a" {} + -exec sha256sum {} + | sort; stat -c "%G %a" secrets tls';

let network: OwnNetwork;
let media: OwnMachine;
let master: OwnMachine;
let empty: OwnMachine;
let clients: RustClients | undefined;
let folder = '';

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-restore-'));
  network = new OwnNetwork(installedBase());
  // The first is the switch that the others are connected to, and is not to lose its power.
  media = await network.boot('media-1');
  master = await network.boot('master-1');
  empty = await network.boot('master-1', master);
});
after(async () => {
  await clients?.close();
  await network?.cutPower();
  rmSync(folder, { recursive: true, force: true });
});

/** What was decided, an entry each. */
function auditOf(asked: OwnMachine): string[] {
  const { entries } = JSON.parse(done(asked, `${ADMIN}; sluice audit --json`));
  return entries.map((entry: unknown) => JSON.stringify(entry));
}

/** Calls the server API on the machine of a Master Node. @returns the answer; empty where it is an error */
async function api(asked: OwnMachine, method: string, body: object): Promise<string> {
  const grant = { roomCreate: true, roomList: true };
  const token = await joinToken(signerOf(asked), 'any', 'admin', { grant });
  const headers = `-H 'Authorization: Bearer ${token}' -H 'Content-Type: application/json'`;
  const url = `https://127.0.0.1/twirp/livekit.RoomService/${method}`;
  return asked.sh(`curl -sfk ${headers} -d '${JSON.stringify(body)}' ${url}`).output;
}

test('with its secrets, certificate, keys and Rooms; a call goes on meanwhile', {
  timeout: 300_000,
}, async (t) => {
  const init = done(master, `sluice init --self-signed --domain ${master.address}`);
  const [joinCommand = ''] = /sluice join --master \S+ --token \S+/.exec(init) ?? [];
  done(media, joinCommand);
  clients = await clientsNear(media, { master, folder });
  const members: CallClient[] = [];
  for (const identity of ['ada', 'bob']) {
    const token = await joinToken(signerOf(master), 'demo', identity);
    members.push(await clients.join(identity, `wss://${master.address}`, token));
  }
  const call: Call = { room: 'demo', members };
  await callGoesOn(call);
  const waiting = { name: 'waiting', emptyTimeout: 600, metadata: 'of before' };
  assert.match(await api(master, 'CreateRoom', waiting), /"sid"/);
  const key = /API Key: +(\S+)/.exec(done(master, `${ADMIN}; sluice keys add`))?.[1] ?? '';
  assert.notEqual(key, '');
  const audit = auditOf(master);
  assert.ok(audit.length > 0);
  const passphrase = 'umask 077; cd /root; echo correct horse battery staple > passphrase';
  done(master, passphrase);
  const made = done(master, `cd /root; sluice backup sluice.age ${PASSPHRASE}`);
  assert.match(made, /has \d+ files, \d+ documents of the registry and where 2 Rooms are/);
  assert.equal(done(master, 'stat -c %a /root/sluice.age'), '600\n');
  const state = done(master, STATE);
  const file = done(master, 'base64 -w0 /root/sluice.age');

  const lostMs = Date.now();
  await master.container.cutPower();
  network.plugIn(empty);
  done(empty, `${passphrase}; echo ${file} | base64 -d > sluice.age`);
  refused(
    empty,
    'echo another passphrase | sluice restore /root/sluice.age --passphrase-file - 2>&1',
    /^The passphrase is not the one that /,
  );
  isUntouched(empty);
  const output = done(empty, `cd /root; sluice restore sluice.age ${PASSPHRASE}`);
  assert.match(output, /Its services are started/);
  // It has waited: whoever comes now is let in.
  done(empty, `curl -sfk https://${empty.address}/`);
  t.diagnostic(`${Date.now() - lostMs} ms without a Master Node`);
  assert.equal(done(empty, STATE), state);
  assert.ok(done(empty, `${ADMIN}; sluice keys list`).includes(key));
  const known = auditOf(empty);
  for (const entry of audit) assert.ok(known.includes(entry), `${entry}\n${known.join('\n')}`);
  let rooms = '';
  await until(
    'the Room that waits to be known again',
    async () => {
      rooms = await api(empty, 'ListRooms', { names: ['waiting'] });
      return /"metadata": ?"of before"/.test(rooms);
    },
    { timeoutMs: 30_000, intervalMs: 500, explain: () => rooms },
  );
  await until(
    'both of the call to have come back',
    async () => {
      const states = await Promise.all(members.map((one) => one.status(lostMs)));
      return states.every(
        ({ state: is, events }) =>
          is === 'connected' && events.some(({ name }) => name === 'reconnected'),
      );
    },
    { timeoutMs: 60_000, explain: () => empty.container.journal() },
  );
  await callGoesOn(call);

  // Once more it is not empty.
  done(empty, 'echo "# mine" >>/etc/sluice/sluice.yaml');
  const again = `sluice restore /root/sluice.age --passphrase-file /root/passphrase 2>&1`;
  refused(empty, again, /^\/etc\/sluice\/sluice\.yaml (?:and \d+ more files )?are there already/);
});
