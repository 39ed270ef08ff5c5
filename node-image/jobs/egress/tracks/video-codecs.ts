import { av1 } from './av1';
import { h264 } from './h264';
import type { VideoCodec } from './matroska-stream';
import type { Depacketizer } from './video-frame';
import { vp8 } from './vp8';
import { vp9 } from './vp9';

const DEPACKETIZERS: Readonly<Record<VideoCodec, () => Depacketizer>> = {
  av1: () => av1,
  h264: () => h264,
  vp8: () => vp8,
  vp9,
};

const isVideoCodec = (name: string): name is VideoCodec => Object.hasOwn(DEPACKETIZERS, name);

/** @param mimeType - such as `video/vp8` */
export function videoCodecOf(mimeType: string): VideoCodec | undefined {
  const name = mimeType.toLowerCase().replace('video/', '');
  return isVideoCodec(name) ? name : undefined;
}

/** One for each track, in order of its packets. */
export const depacketizerOf = (codec: VideoCodec): Depacketizer => DEPACKETIZERS[codec]();
