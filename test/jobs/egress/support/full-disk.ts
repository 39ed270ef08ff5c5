import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EgressStatus, EncodedFileOutput } from '@livekit/protocol';
import { sleep } from '../../../support/wait';
import { processesIn } from './processes';
import { filesBelow, TestRuns } from './runs';

/**
 * Run in a namespace of mounts of its own: records where the disk becomes full, and where the folder
 * of recordings is. Prints what came of it.
 */
async function main(): Promise<void> {
  const [work = '', small = ''] = process.argv.slice(2);
  const runs = new TestRuns();
  const root = await mkdtemp(join(tmpdir(), 'sluice-full-'));
  const fileOutputs = [new EncodedFileOutput({ filepath: 'f' })];
  try {
    const recording = await runs.start({ request: { fileOutputs }, work, root });
    await recording.reached(EgressStatus.EGRESS_ACTIVE);
    await sleep(1500);
    await writeFile(join(work, 'somebody-elses'), Buffer.alloc(60 * 1024 * 1024));
    const full = (await recording.ended()).toJson();
    const left = (await filesBelow(work)).filter((name) => name !== 'somebody-elses');
    const kept = await filesBelow(root);

    const other = await runs.start({ request: { fileOutputs }, root: small });
    await other.reached(EgressStatus.EGRESS_ACTIVE);
    await sleep(2500);
    other.run.stop('StopEgress API');
    const tooSmall = (await other.ended()).toJson();
    const running = [...(await processesIn(work)), ...(await processesIn(other.work))];
    const inSmall = await filesBelow(small);
    console.log(JSON.stringify({ full, left, kept, tooSmall, inSmall, running }));
  } finally {
    await runs.close();
  }
}

void main();
