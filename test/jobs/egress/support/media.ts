import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import { channelOf } from './sound-receiver';

const run = promisify(execFile);
const MAX_BYTES = 256 * 1024 * 1024;

const probed = z.object({
  streams: z.array(
    z.object({
      codec_name: z.string(),
      codec_type: z.string(),
      width: z.number().optional(),
      height: z.number().optional(),
    }),
  ),
  format: z.object({ duration: z.string().optional(), format_name: z.string() }),
});

export interface Probe {
  /** By kind: `video`, `audio`. */
  readonly codecs: Readonly<Record<string, string>>;
  readonly width: number;
  readonly height: number;
  /** s */
  readonly duration: number;
  readonly format: string;
}

/** What ffprobe says of a file or an address. */
export async function probe(path: string): Promise<Probe> {
  const args = ['-v', 'error', '-show_streams', '-show_format', '-of', 'json', path];
  const { stdout } = await run('ffprobe', args, { maxBuffer: MAX_BYTES });
  const { streams, format } = probed.parse(JSON.parse(stdout));
  const video = streams.find((stream) => stream.codec_type === 'video');
  return {
    codecs: Object.fromEntries(streams.map((one) => [one.codec_type, one.codec_name])),
    width: video?.width ?? 0,
    height: video?.height ?? 0,
    duration: Number(format.duration ?? 0),
    format: format.format_name,
  };
}

/** What the page of `flashAndBeepPage` looks and sounds like, once a second. */
export interface FlashesAndBeeps {
  /** s: when it turned bright. */
  readonly flashes: readonly number[];
  /** s: when it began to sound. */
  readonly beeps: readonly number[];
}

const RATE = 48_000;

/** Looks for bright pictures and loud samples. */
export async function flashesAndBeeps(path: string): Promise<FlashesAndBeeps> {
  const video = [
    ...['-v', 'error', '-i', path, '-map', '0:v', '-vf', 'fps=50,scale=1:1,format=gray'],
    ...['-f', 'rawvideo', '-'],
  ];
  const audio = [
    ...['-v', 'error', '-i', path, '-map', '0:a', '-af', 'aresample=async=1:first_pts=0'],
    ...['-ac', '1', '-ar', String(RATE), '-f', 's16le', '-'],
  ];
  const options = { encoding: 'buffer', maxBuffer: MAX_BYTES } as const;
  const [pictures, samples] = await Promise.all([
    run('ffmpeg', video, options),
    run('ffmpeg', audio, options),
  ]);
  const loud = new Int16Array(new Uint8Array(samples.stdout).buffer);
  return {
    flashes: onsets(pictures.stdout.length, (at) => (pictures.stdout[at] ?? 0) > 128, 50),
    beeps: onsets(loud.length, (at) => Math.abs(loud[at] ?? 0) > 1500, RATE),
  };
}

/** The sound of the seconds 1 to 3: left and right, as -1 to 1 at 48 kHz. */
export async function channelsOf(path: string): Promise<[Float64Array, Float64Array]> {
  const input = ['-v', 'error', '-ss', '1', '-t', '2', '-i', path, '-map', '0:a'];
  const args = [...input, '-ac', '2', '-ar', String(RATE), '-f', 's16le', '-'];
  const { stdout } = await run('ffmpeg', args, { encoding: 'buffer', maxBuffer: MAX_BYTES });
  return [channelOf([stdout], 0), channelOf([stdout], 1)];
}

/** The mean of a picture, after 2 s: 0 is black, 255 white. */
export async function brightnessOf(path: string): Promise<number> {
  const input = ['-v', 'error', '-ss', '2', '-i', path, '-frames:v', '1'];
  const args = [...input, '-vf', 'scale=1:1:flags=area,format=gray', '-f', 'rawvideo', '-'];
  const { stdout } = await run('ffmpeg', args, { encoding: 'buffer' });
  return stdout[0] ?? 0;
}

/** s of each first one after at least 0.4 s without. */
function onsets(length: number, is: (at: number) => boolean, perSecond: number): number[] {
  const found: number[] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < length; at += 1) {
    if (!is(at)) continue;
    const seconds = at / perSecond;
    if (seconds - last > 0.4) found.push(seconds);
    last = seconds;
  }
  return found;
}

/**
 * How much later the sound is than the picture: the median over all flashes.
 *
 * @returns ms
 * @throws Error where there are fewer than three of both
 */
export function soundOffsetMs({ flashes, beeps }: FlashesAndBeeps): number {
  const offsets = flashes
    .flatMap((flash) => {
      const near = beeps.map((beep) => beep - flash).filter((by) => Math.abs(by) < 0.5);
      return near.length > 0 ? [near.sort((a, b) => Math.abs(a) - Math.abs(b))[0] ?? 0] : [];
    })
    .sort((a, b) => a - b);
  if (offsets.length < 3) {
    throw new Error(`flashes at ${flashes.join(', ')}; beeps at ${beeps.join(', ')}`);
  }
  return Math.round(1000 * (offsets[Math.floor(offsets.length / 2)] ?? 0));
}

/** A page that flashes and beeps for 0.15 s at each full second. */
export const flashAndBeepPage = `<!doctype html><meta charset="utf-8"><title>Flash and beep</title>
<style>html,body{margin:0;height:100%;background:#000}</style>
<script>
addEventListener('load', async () => {
  const context = new AudioContext({ sampleRate: 48000 });
  await context.resume();
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  gain.gain.value = 0;
  oscillator.frequency.value = 1000;
  oscillator.connect(gain).connect(context.destination);
  oscillator.start();
  let scheduled = Math.ceil(context.currentTime) + 1;
  const draw = () => {
    const now = context.currentTime;
    while (scheduled < now + 2) {
      gain.gain.setValueAtTime(0.5, scheduled);
      gain.gain.setValueAtTime(0, scheduled + 0.15);
      scheduled += 1;
    }
    const heard = context.getOutputTimestamp().contextTime;
    document.body.style.background = heard > 1 && heard % 1 < 0.15 ? '#fff' : '#000';
    requestAnimationFrame(draw);
  };
  draw();
  console.log('START_RECORDING');
});
</script><body></body>`;
