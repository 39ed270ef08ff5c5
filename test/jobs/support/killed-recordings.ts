import { execFile } from 'node:child_process';
import { appendFile, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { EgressInfo } from 'livekit-server-sdk';
import { listedSegments } from '../../../node-image/jobs/egress/outputs/playlist';
import type { Row } from '../../support/measure-report';
import { probe } from '../egress/support/media';
import type { RecordingCluster } from '../egress/support/recording-cluster';

/** A recording whose node was killed, and that has ended since. */
export interface Killed {
  readonly name: string;
  readonly killedAtMs: number;
  readonly stoppedAtMs: number;
  readonly info: EgressInfo;
}

const rounded = (ms: number): number => Math.max(0, Math.round(ms));

function row({ name, info }: Killed, lostMs: number | string, notRecordedMs: number | string): Row {
  const figures = {
    lost: typeof lostMs === 'number' ? rounded(lostMs) : lostMs,
    'not recorded': typeof notRecordedMs === 'number' ? rounded(notRecordedMs) : notRecordedMs,
    'taken over': info.retryCount,
    became: outcome(info),
  };
  return { case: name, figures };
}

const STATUS: Readonly<Record<number, string>> = { 3: 'whole', 4: 'failed', 5: 'aborted' };
const outcome = ({ status, error }: EgressInfo): string =>
  error === '' ? (STATUS[status] ?? `status ${status}`) : `${STATUS[status] ?? status}: ${error}`;

/** By the times in its playlist: of its last segment before, and its first one after. */
export async function killedHls(recording: RecordingCluster, killed: Killed): Promise<Row> {
  const playlist = killed.info.segmentResults[0]?.playlistName ?? '';
  const listed = listedSegments(await recording.text(playlist));
  const second = listed.findIndex(({ map }, index) => index > 0 && map !== listed[0]?.map);
  const [last, next] = [listed[second - 1], listed[second]];
  if (last === undefined || next === undefined) return row(killed, 'no second run', '');
  const endMs = last.startMs + last.duration * 1000;
  return row(killed, killed.killedAtMs - endMs, next.startMs - killed.killedAtMs);
}

/** What of a file was stored when its node was killed, as far as it can be played; in ms. */
export async function storedMs(recording: RecordingCluster, path: string): Promise<number> {
  const parts = (await recording.stored()).filter((key) => key.startsWith(`${path}.parts/0/`));
  const init = parts.filter((key) => key.endsWith('init.mp4'));
  const joined = `${recording.folder}/stored-${path.replaceAll('/', '_')}`;
  for (const key of [...init, ...parts.filter((one) => !init.includes(one))]) {
    await appendFile(joined, await readFile(await recording.fetched(key)));
  }
  if (parts.length === 0) return 0;
  // Of one that was cut off, the header does not say how long it is.
  return 1000 * (await lastTime(joined));
}

async function lastTime(file: string): Promise<number> {
  const args = ['-v', 'quiet', '-show_entries', 'packet=pts_time', '-of', 'csv=p=0', file];
  const { stdout } = await promisify(execFile)('ffprobe', args, { maxBuffer: 1 << 26 });
  const times = stdout
    .split('\n')
    .map((line) => Number.parseFloat(line))
    .filter(Number.isFinite);
  return times.length === 0 ? 0 : Math.max(...times) - Math.min(...times);
}

/** By how long it is: what was stored of its first run, and what came after. */
export async function killedFile(
  recording: RecordingCluster,
  killed: Killed,
  firstMs: number,
): Promise<Row> {
  const path = killed.info.fileResults[0]?.filename ?? '';
  const startedMs = Number(killed.info.startedAt / 1_000_000n);
  const wholeMs = 1000 * (await probe(await recording.fetched(path))).duration;
  const ranMs = killed.killedAtMs - startedMs;
  const secondMs = wholeMs - firstMs;
  return row(killed, ranMs - firstMs, killed.stoppedAtMs - killed.killedAtMs - secondMs);
}

/** One that is not recorded: for how long nothing came. */
export const killedStream = (killed: Killed, goneMs: number | string): Row =>
  row(killed, 'nothing is kept', goneMs);
