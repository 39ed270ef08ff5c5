/** A Master Node and its Redis are lost under a call, and are made again from a backup, as the page says. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { RoomServiceClient } from 'livekit-server-sdk';
import type { AddedKey } from '../../../node-image/api/cluster/keys-routes';
import {
  assertNoneDropped,
  leaveCalls,
  startCalls,
  untilFlowing,
  worstGapOf,
} from '../../cluster/support/calls';
import { JsClients } from '../../support/call-client-js';
import { RustClients } from '../../support/call-client-rust';
import { CLUSTER_SECRET, TestCluster } from '../../support/cluster';
import { sleep, until, within } from '../../support/wait';

const REPOSITORY = join(__dirname, '../../..');
const BIN = join(REPOSITORY, 'bin/sluice');

const folder = mkdtempSync(join(tmpdir(), 'sluice-restore-'));
const started: { readonly child: ChildProcess; readonly ended: Promise<unknown> }[] = [];
let cluster: TestCluster;
/** They ask to resume until somebody answers. */
let clients: JsClients;
/** They join anew where the first question is not answered. */
let others: RustClients;
after(async () => {
  for (const { child, ended } of started) {
    // It hands this on to the process that it may have started, on another Node; SIGKILL it cannot.
    child.kill('SIGTERM');
    await within('sluice to end', ended, 30_000);
  }
  await clients?.close();
  await others?.close();
  await cluster?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Starts a command as it stands on the page, in the folder of the test. */
function start(command: string) {
  const [program, ...args] = command.split(' ');
  assert.equal(program, 'bin/sluice');
  const child = spawn(BIN, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  started.push({ child, ended });
  return { output: () => output, ended };
}

async function run(command: string): Promise<string> {
  const { output, ended } = start(command);
  assert.equal(await ended, 0, `${command}: ${output()}`);
  return output();
}

test('under a call: clients resume, and media never stops', { timeout: 240_000 }, async (t) => {
  const page = readFileSync(join(REPOSITORY, 'docs/operating.md'), 'utf8');
  const section = page.slice(page.indexOf('## Backup and restore'));
  const [make = '', restore = '', serve = ''] = section.match(/^bin\/sluice .+$/gm) ?? [];
  assert.match(make, /^bin\/sluice backup .*--config sluice\.yaml/);
  assert.match(restore, /^bin\/sluice restore /);

  cluster = await TestCluster.start({ masters: 1, mediaNodes: 1 });
  clients = await JsClients.start();
  others = await RustClients.start();
  const [master] = cluster.masters;
  const [media] = cluster.mediaNodes;
  assert.ok(master && media);
  // What the master was started with; the secret in a file, as it should be.
  const file = join(folder, 'sluice.yaml');
  const secretFile = join(folder, 'cluster-secret');
  const { sluice, ...rest } = master.config;
  const own = { ...(sluice as object), cluster: { name: 'test', secret_file: secretFile } };
  writeFileSync(file, JSON.stringify({ ...rest, sluice: own }), { mode: 0o600 });
  writeFileSync(secretFile, `${CLUSTER_SECRET}\n`, { mode: 0o600 });
  writeFileSync(join(folder, 'passphrase'), 'correct horse battery staple\n', { mode: 0o600 });

  const { apiKey, secret } = await cluster.admin().call<AddedKey>('POST', 'keys');
  const calls = await startCalls(cluster, clients, { name: 'restored' });
  const rejoining = await startCalls(cluster, others, { name: 'rejoining' });
  const all = [...calls, ...rejoining];
  const api = new RoomServiceClient(cluster.httpUrl, apiKey, secret);
  await api.createRoom({ name: 'waiting', emptyTimeout: 600, metadata: 'of before' });
  const sidsOf = async (): Promise<string[]> => {
    const lists = await Promise.all(calls.map(({ room }) => api.listParticipants(room)));
    return lists.flat().map(({ sid }) => sid);
  };
  const sids = (await sidsOf()).sort();
  const known = (await cluster.admin().audit()).length;
  assert.match(await run(make), /has 2 files, \d+ documents of the registry and where 3 Rooms are/);

  // The machine is gone, with its disk and what was in Redis.
  const lostMs = Date.now();
  await master.kill();
  await cluster.redis.kill();
  rmSync(file);
  rmSync(secretFile);
  await cluster.redis.restart();
  assert.match(await run(restore), /The cluster test is as it was at .*: 2 files, \d+ documents/);
  assert.ok(existsSync(secretFile));
  const again = start(serve);
  await until('the restored master to serve', () => again.output().includes('"msg":"serving"'), {
    timeoutMs: 40_000,
    explain: again.output,
  });
  const servingMs = Date.now();
  await until(
    'everybody to be back',
    async () => {
      const states = await Promise.all(
        all.flatMap(({ members }) => members.map((one) => one.status(lostMs))),
      );
      return states.every(
        ({ state, events }) =>
          state === 'connected' && events.some(({ name }) => name === 'reconnected'),
      );
    },
    { timeoutMs: 60_000, explain: again.output },
  );
  t.diagnostic(`${servingMs - lostMs} ms without a master, ${Date.now() - servingMs} ms to resume`);
  await sleep(2_000);
  const gap = await worstGapOf(calls, lostMs);
  assert.ok(gap < 1_500, `media stopped for ${gap} ms`);
  assert.deepEqual((await sidsOf()).sort(), sids, 'somebody has joined anew');
  await assertNoneDropped(all);
  for (const call of all) await untilFlowing(call, Date.now());

  // The key is one that only the registry had; the Media Node is the one of before.
  const [waiting] = await api.listRooms(['waiting']);
  assert.equal(waiting?.metadata, 'of before');
  assert.ok((await cluster.admin().audit()).length >= known);
  assert.equal(media.running, true);
  assert.equal((await cluster.roomNode('waiting')).nodeId, media.nodeId);
  await leaveCalls(all);
});
