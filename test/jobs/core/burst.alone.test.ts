/** Many ask at once for what a cluster of real processes has room for a few times. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  EgressClient,
  EncodedFileOutput,
  EncodedFileType,
  RoomServiceClient,
} from 'livekit-server-sdk';
import { AdminClient } from '../../../node-image/api/cluster/admin-client';
import type { JobView } from '../../../node-image/api/jobs/job-admin-routes';
import { TestCluster } from '../../support/cluster';
import { until } from '../../support/wait';

const COST = 0.2;
const ASKED = 50;

let folder: string;
let cluster: TestCluster;
let egress: EgressClient;
let admin: AdminClient;

before(
  async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-burst-'));
    cluster = await TestCluster.start({
      masters: 1,
      mediaNodes: 3,
      config: { egress: { local_directory: folder, cpu_cost: { participant_cpu_cost: COST } } },
    });
    const { httpUrl, apiKey, apiSecret } = cluster;
    egress = new EgressClient(httpUrl, apiKey, apiSecret);
    admin = new AdminClient({ url: httpUrl, apiKey, apiSecret });
    await new RoomServiceClient(httpUrl, apiKey, apiSecret).createRoom({ name: 'stage' });
  },
  { timeout: 60_000 },
);
after(
  async () => {
    await cluster?.close();
    await rm(folder, { recursive: true, force: true });
  },
  { timeout: 30_000 },
);

const jobs = async (): Promise<JobView[]> =>
  (await admin.call<{ jobs: JobView[] }>('GET', 'jobs')).jobs;

/** Waits for somebody who does not come. */
const ask = (name: string) =>
  egress.startParticipantEgress('stage', name, {
    file: new EncodedFileOutput({ filepath: name, fileType: EncodedFileType.MP4 }),
  });

async function stopAll(ids: readonly string[]): Promise<void> {
  for (const id of ids) await egress.stopEgress(id);
  await until(
    'all of them to end',
    async () => (await jobs()).every(({ state }) => state === 'ended'),
    { timeoutMs: 30_000 },
  );
}

test('50 requests over three nodes: no node is over its ledger, the rest is refused by 503', async (t) => {
  const results = await Promise.allSettled(Array.from({ length: ASKED }, (_, i) => ask(`p${i}`)));
  const taken = results.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const refused = results.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  const running = (await jobs()).filter(({ state }) => state === 'active');
  const counts = cluster.mediaNodes.map(
    ({ nodeId }) => running.filter(({ owner }) => owner === nodeId).length,
  );
  t.diagnostic(`${taken.length} taken (${counts.join(', ')}), ${refused.length} refused`);
  assert.ok(taken.length >= 3, String(refused[0]));
  assert.ok(refused.length >= ASKED - 15);
  // A core each.
  for (const count of counts) assert.ok(count * COST <= 1 + 1e-9, counts.join());
  for (const error of refused) {
    assert.deepEqual([error.status, error.code], [503, 'unavailable'], String(error));
    assert.match(String(error.message), /no node takes this egress: .*CPU/);
  }
  await stopAll(taken.map(({ egressId }) => egressId));
});
