import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const MAX_BYTES = 64 * 1024 * 1024;

/** What ffprobe says of a recording. */
export interface Probed {
  /** As `codec:WIDTHxHEIGHT` and `codec`. */
  readonly streams: readonly string[];
  readonly durationSeconds: number;
  /** Times of all frames of a kind, in s. */
  readonly videoTimes: readonly number[];
  readonly audioTimes: readonly number[];
}

export async function probe(file: string): Promise<Probed> {
  const args = ['-v', 'error', '-of', 'json', '-show_streams', '-show_format', '-show_packets'];
  const { stdout } = await run('ffprobe', [...args, file], { maxBuffer: MAX_BYTES });
  const { streams, packets, format } = JSON.parse(stdout) as {
    streams: { codec_type: string; codec_name: string; width?: number; height?: number }[];
    packets: { codec_type: string; pts_time: string }[];
    format: { duration?: string };
  };
  const times = (kind: string): number[] =>
    packets.filter((one) => one.codec_type === kind).map((one) => Number(one.pts_time));
  return {
    streams: streams.map(({ codec_name, width, height }) =>
      width === undefined ? codec_name : `${codec_name}:${width}x${height}`,
    ),
    // A stream that was live has none written down.
    durationSeconds: Number(format.duration ?? Math.max(...times('video'), ...times('audio'))),
    videoTimes: times('video'),
    audioTimes: times('audio'),
  };
}

/** The longest time between two frames, in s. */
export function longestGap(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  return Math.max(0, ...sorted.slice(1).map((time, index) => time - (sorted[index] ?? time)));
}

/** When the picture turns white, in s. */
export async function flashes(file: string): Promise<number[]> {
  const { stdout } = await run(
    'ffmpeg',
    [
      '-v',
      'error',
      '-i',
      file,
      '-map',
      '0:v:0',
      '-vf',
      'scale=32:32,signalstats,metadata=print:file=-',
      '-f',
      'null',
      '-',
    ],
    { maxBuffer: MAX_BYTES },
  );
  const found: number[] = [];
  let time = 0;
  let wasWhite = true;
  for (const line of stdout.split('\n')) {
    time = Number(/pts_time:([\d.]+)/.exec(line)?.[1] ?? time);
    const luma = /YAVG=([\d.]+)/.exec(line)?.[1];
    if (luma !== undefined) {
      const isWhite = Number(luma) > 120;
      if (isWhite && !wasWhite) found.push(time);
      wasWhite = isWhite;
    }
  }
  return found;
}

/** When a tone begins, in s. */
export async function beeps(file: string): Promise<number[]> {
  const { stderr } = await run(
    'ffmpeg',
    ['-i', file, '-map', '0:a:0', '-af', 'silencedetect=n=-30dB:d=0.3', '-f', 'null', '-'],
    { maxBuffer: MAX_BYTES },
  );
  return [...stderr.matchAll(/silence_end: ([\d.]+)/g)].map((match) => Number(match[1]));
}

/** How many pictures of which size ffmpeg's own decoder shows. */
export async function frameSizes(file: string): Promise<Map<string, number>> {
  const fields = ['-show_entries', 'frame=width,height', '-of', 'csv=p=0:s=x'];
  const { stdout } = await run(
    'ffprobe',
    ['-v', 'error', '-select_streams', 'v', ...fields, file],
    {
      maxBuffer: MAX_BYTES,
    },
  );
  const sizes = new Map<string, number>();
  for (const size of stdout.split('\n').filter((line) => line !== '')) {
    sizes.set(size, (sizes.get(size) ?? 0) + 1);
  }
  return sizes;
}

/** By how much the sound comes after the picture, for each flash that has its beep, in ms. */
export function offsets(flashTimes: readonly number[], beepTimes: readonly number[]): number[] {
  return flashTimes.flatMap((flash) => {
    const beep = beepTimes.find((one) => Math.abs(one - flash) < 0.4);
    return beep === undefined ? [] : [Math.round((beep - flash) * 1000)];
  });
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** What ffmpeg says of a recording when it decodes all of it: nothing, where it is sound. */
export async function decodeErrors(file: string): Promise<string> {
  const { stderr } = await run('ffmpeg', ['-v', 'warning', '-i', file, '-f', 'null', '-'], {
    maxBuffer: MAX_BYTES,
  });
  return stderr;
}
