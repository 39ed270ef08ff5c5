import { execFile } from 'node:child_process';
import { fromAnnexB, h264 } from './h264';
import type { VideoCodec } from './matroska-stream';
import { depacketizerOf } from './video-codecs';
import type { PictureSize, VideoSetup } from './video-frame';

export interface BlackPicture {
  readonly data: Buffer;
  readonly setup: VideoSetup;
}

const ENCODERS: Readonly<Record<VideoCodec, readonly string[]>> = {
  vp8: ['-c:v', 'libvpx', '-deadline', 'realtime', '-f', 'ivf'],
  vp9: ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-f', 'ivf'],
  av1: ['-c:v', 'libaom-av1', '-usage', 'realtime', '-cpu-used', '8', '-f', 'ivf'],
  h264: ['-c:v', 'libx264', '-profile:v', 'baseline', '-preset', 'ultrafast', '-f', 'h264'],
};
const TIMEOUT_MS = 10_000;
const MAX_BYTES = 4 * 1024 * 1024;
const IVF_HEADER_BYTES = 32;
const IVF_FRAME_HEADER_BYTES = 12;

/**
 * One black key frame, for as long as nobody sends a picture.
 *
 * @throws Error where ffmpeg is not there or has not the codec
 */
export async function blackPicture(
  ffmpeg: string,
  codec: VideoCodec,
  size: PictureSize,
): Promise<BlackPicture> {
  // Encoders of 4:2:0 want even sides.
  const width = Math.max(16, size.width & ~1);
  const height = Math.max(16, size.height & ~1);
  const source = `color=black:s=${width}x${height}:r=30`;
  const args = ['-v', 'error', '-f', 'lavfi', '-i', source, '-frames:v', '1'];
  const pixels = ['-pix_fmt', 'yuv420p'];
  const output = await run(ffmpeg, [...args, ...pixels, ...ENCODERS[codec], 'pipe:1']);
  const data = codec === 'h264' ? fromAnnexB(output) : ivfFrame(output, codec);
  const setup = codec === 'h264' ? h264.setup(data) : depacketizerOf(codec).setup(data);
  if (setup === undefined) {
    throw new Error(`ffmpeg made no ${codec} key frame of ${width}x${height}`);
  }
  return { data, setup };
}

function ivfFrame(file: Buffer, codec: VideoCodec): Buffer {
  const start = IVF_HEADER_BYTES + IVF_FRAME_HEADER_BYTES;
  if (file.length < start) {
    return Buffer.alloc(0);
  }
  const frame = file.subarray(start, start + file.readUInt32LE(IVF_HEADER_BYTES));
  // A temporal delimiter, which Matroska does not want.
  return codec === 'av1' && frame[0] === 0x12 ? frame.subarray(2) : frame;
}

function run(ffmpeg: string, args: readonly string[]): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { encoding: 'buffer', timeout: TIMEOUT_MS, maxBuffer: MAX_BYTES } as const;
    const child = execFile(ffmpeg, [...args], options, (error, stdout, stderr) => {
      if (error === null) {
        resolve(stdout);
      } else {
        reject(
          new Error(`ffmpeg made no black picture: ${stderr.toString().trim() || error.message}`),
        );
      }
    });
    child.stdin?.end();
  });
}
