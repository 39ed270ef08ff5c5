/** A cluster that is upgraded under a call from the minor version before, node by node, and back. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Call } from '../cluster/support/calls';
import { allBlocks } from '../docs/support/pages';
import type { CallClient } from '../support/call-client';
import type { RustClients } from '../support/call-client-rust';
import { joinToken, type Signer } from '../support/tokens';
import { until } from '../support/wait';
import type { DebianRoot } from './support/debian-root';
import { rootWithSources } from './support/installed-root';
import { ADMIN, callGoesOn, clientsNear, done, signerOf } from './support/own-cluster';
import { type OwnMachine, OwnNetwork } from './support/own-network';

const UPGRADE = '/src/node-image/image/install.sh';
const [ROLLBACK = ''] = allBlocks()
  .filter(({ notRun }) => /upgrade\.slow/.test(notRun ?? ''))
  .flatMap(({ text }) => text.trim().split('\n'));
/**
 * Rooms move at once when a node is told to stop. Clients keep what they have allocated on its TURN
 * server, which they do not need, until the deadline.
 */
const DRAIN = 'drain: { patience: 0s, deadline: 20s }';

/** The last patch of the minor version before, as far as versions go back. */
function versionBefore(version: string): string {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return minor > 0 ? `${major}.${minor - 1}.9` : `${major - 1}.9.9`;
}

describe('an upgrade of a cluster', { concurrency: 1 }, () => {
  let root: DebianRoot;
  let network: OwnNetwork;
  let master: OwnMachine;
  let media1: OwnMachine;
  let media2: OwnMachine;
  let clients: RustClients | undefined;
  let folder = '';
  let newer = '';
  let older = '';
  let signer: Signer = { apiKey: '', apiSecret: '' };
  let call: Call = { room: 'demo', members: [] };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-upgrade-'));
    root = rootWithSources();
    const path = (name: string): string => join(root.path, name);
    newer = JSON.parse(readFileSync(path('src/package.json'), 'utf8')).version;
    older = versionBefore(newer);
    const inRoot = (command: string): void => {
      const { status, output } = root.run(['sh', '-c', command]);
      assert.equal(status, 0, output);
    };
    inRoot('cp -a /src /old');
    for (const name of ['old/package.json', 'old/node-image/lifecycle/version.ts']) {
      const text = readFileSync(path(name), 'utf8');
      assert.ok(text.includes(newer), name);
      writeFileSync(path(name), text.replace(newer, older));
    }
    // Both while there is a network. The newer one is put where the machine would have brought it.
    const given = '--image --downloads /downloads --worker /downloads/worker';
    inRoot(`/old/node-image/image/install.sh ${given}`);
    inRoot(`${UPGRADE} ${given}`);
    inRoot(`${ROLLBACK} --image`);
    assert.match(readlinkSync(path('opt/sluice/current')), new RegExp(`/${older}-`));
    inRoot('rm -r /opt/sluice/previous /old /downloads');

    network = new OwnNetwork(root.path);
    master = await network.boot('master-1');
    media1 = await network.boot('media-1');
    media2 = await network.boot('media-2');
    const init = done(master, `sluice init --self-signed --domain ${master.address}`);
    joins(media1, /--token (\S+)/.exec(init)?.[1]);
    const [token] = done(master, `${ADMIN}; sluice token create`).split('\n');
    joins(media2, token);
    for (const machine of [media1, media2]) {
      done(machine, `sed -i 's/^sluice:$/sluice:\\n  ${DRAIN}/' /etc/sluice/sluice.yaml`);
      assert.ok(done(machine, 'cat /etc/sluice/sluice.yaml').includes(DRAIN));
      done(machine, 'systemctl restart sluice-node');
    }
    await versionsAre({ 'master-1': older, 'media-1': older, 'media-2': older });
    await startClients();
  });
  after(async () => {
    await clients?.close();
    await network?.cutPower();
    root?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const joins = (machine: OwnMachine, token = ''): string =>
    done(machine, `sluice join --master ${master.address} --token ${token}`);
  /** Each machine serves with that version of the program. */
  const versionsAre = (expected: Readonly<Record<string, string>>): Promise<unknown> => {
    let seen = '';
    return until(
      'the cluster to be of these versions',
      () => {
        const { status, output } = master.sh(`${ADMIN}; sluice nodes --json`);
        seen = output;
        if (status !== 0) return false;
        const nodes: { state: string; record: { machineId: string; version: string } }[] =
          JSON.parse(output).nodes;
        const serving = nodes.filter(({ state }) => state === 'serving');
        return (
          nodes.length === Object.keys(expected).length &&
          serving.length === nodes.length &&
          nodes.every(({ record }) => expected[record.machineId] === record.version)
        );
      },
      { timeoutMs: 30_000, intervalMs: 500, explain: () => seen },
    );
  };
  const startClients = async (): Promise<void> => {
    signer = signerOf(master);
    clients = await clientsNear(master, { master, folder });
    call = { ...call, members: [await enter('demo', 'ada'), await enter('demo', 'bob')] };
    await callGoesOn(call);
  };
  const enter = async (room: string, identity: string): Promise<CallClient> => {
    assert.ok(clients);
    const token = await joinToken(signer, room, identity);
    return clients.join(identity, `wss://${master.address}`, token);
  };
  /** The machine that has the Room of the call, and the other one. */
  const mediaNodes = (): readonly [OwnMachine, OwnMachine] => {
    const has = (name: string): boolean =>
      done(master, `${ADMIN}; sluice rooms --node ${name}`).includes('demo');
    return has('media-1') ? [media1, media2] : [media2, media1];
  };
  const nameOf = (machine: OwnMachine): string => (machine === media1 ? 'media-1' : 'media-2');
  /** Goes to the other program on a machine, and the call to the other machine. */
  const changeOver = async (machine: OwnMachine, command: string, version: string) => {
    const [host, other] = mediaNodes();
    const said = done(machine, command);
    assert.match(said, new RegExp(`^install: .*\\b${version.replaceAll('.', '\\.')}[ -]`, 'm'));
    if (machine === host) {
      assert.equal(mediaNodes()[0], other, 'the Room has moved');
    }
    await callGoesOn(call);
  };

  test('the Master Node first: a newer one works with older Media Nodes', async () => {
    assert.match(done(master, UPGRADE), /the node drains and starts again with the other program/);
    await versionsAre({ 'master-1': newer, 'media-1': older, 'media-2': older });
    await callGoesOn(call);
    const guest = await enter('another', 'eve');
    await guest.leave();
  });

  test('then one Media Node after the other: each hands the call to the other version', async () => {
    const [host, other] = mediaNodes();
    await changeOver(other, UPGRADE, newer);
    await versionsAre({ 'master-1': newer, [nameOf(host)]: older, [nameOf(other)]: newer });
    await changeOver(host, UPGRADE, newer);
    await versionsAre({ 'master-1': newer, 'media-1': newer, 'media-2': newer });
  });

  test('back in the same way, by one command on each', async () => {
    const [host, other] = mediaNodes();
    await changeOver(other, ROLLBACK, older);
    await versionsAre({ 'master-1': newer, [nameOf(host)]: newer, [nameOf(other)]: older });
    await changeOver(host, ROLLBACK, older);
    done(master, ROLLBACK);
    await versionsAre({ 'master-1': older, 'media-1': older, 'media-2': older });
    await callGoesOn(call);
  });

  test('a program that does not stay up is said to, and how to go back', async () => {
    const [, idle] = mediaNodes();
    done(
      idle,
      `echo 'process.exit(7)' | tee /opt/sluice/releases/${newer}-*/node-image/cli/main.js`,
    );
    const { status, output } = idle.sh(UPGRADE);
    assert.equal(status, 1, output);
    assert.match(output, /^install: The node does not stay up with the program releases\//m);
    assert.ok(output.includes(`to go back, type: ${ROLLBACK}\n`), output);
    done(idle, ROLLBACK);
    await versionsAre({ 'master-1': older, 'media-1': older, 'media-2': older });
    await callGoesOn(call);
  });
});
