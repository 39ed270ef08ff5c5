import {
  EncodedFileType,
  ImageCodec,
  ImageFileSuffix,
  type ImageOutput,
  type SegmentedFileOutput,
  SegmentedFileSuffix,
  type StreamOutput,
  StreamProtocol,
} from '@livekit/protocol';
import { EgressError, invalidInput, notSupported } from './egress-error';
import type { FileSpec, ImagesSpec, SegmentsSpec, StorageSpec, StreamSpec } from './spec';
import { streamUrl } from './stream-url';

const DEFAULT_SEGMENT_SECONDS = 4;

/** What file outputs of all requests have in common. */
export interface FileMessage {
  readonly filepath: string;
  readonly disableManifest: boolean;
  readonly fileType?: EncodedFileType;
}

export function fileOutput(given: FileMessage, storage: StorageSpec): FileSpec {
  return {
    kind: 'file',
    type: fileTypeOf(given),
    filepath: given.filepath,
    manifest: !given.disableManifest,
    storage,
  };
}

function fileTypeOf({ fileType, filepath }: FileMessage): FileSpec['type'] {
  switch (fileType) {
    case EncodedFileType.MP4:
      return 'mp4';
    case EncodedFileType.OGG:
      return 'ogg';
    case EncodedFileType.MP3:
      return 'mp3';
    default: {
      const extension = /\.(mp4|ogg|mp3|webm)$/.exec(filepath)?.[1];
      return (extension as FileSpec['type'] | undefined) ?? 'auto';
    }
  }
}

/** @throws EgressError */
export function segmentsOutput(given: SegmentedFileOutput, storage: StorageSpec): SegmentsSpec {
  if (given.segmentDuration > 60) throw invalidInput('segment_duration (1 to 60 s)');
  const { playlistName, livePlaylistName } = given;
  if (playlistName === '' && given.filenamePrefix === '' && livePlaylistName === '') {
    // LiveKit makes names up here; a player needs one that is known.
    throw invalidInput('filename_prefix');
  }
  if (playlistName !== '' && playlistName === livePlaylistName) {
    throw invalidInput('live_playlist_name (playlist_name is the same)');
  }
  return {
    kind: 'segments',
    prefix: given.filenamePrefix,
    playlist: playlistName,
    livePlaylist: livePlaylistName,
    duration: given.segmentDuration === 0 ? DEFAULT_SEGMENT_SECONDS : given.segmentDuration,
    suffix: given.filenameSuffix === SegmentedFileSuffix.TIMESTAMP ? 'timestamp' : 'index',
    manifest: !given.disableManifest,
    storage,
  };
}

const IMAGE_SUFFIX = {
  [ImageFileSuffix.IMAGE_SUFFIX_INDEX]: 'index',
  [ImageFileSuffix.IMAGE_SUFFIX_TIMESTAMP]: 'timestamp',
  [ImageFileSuffix.IMAGE_SUFFIX_NONE_OVERWRITE]: 'overwrite',
} as const;

/** @throws EgressError */
export function imagesOutput(given: ImageOutput, storage: StorageSpec): ImagesSpec {
  if (given.imageCodec !== ImageCodec.IC_DEFAULT && given.imageCodec !== ImageCodec.IC_JPEG) {
    throw notSupported(`image codec ${ImageCodec[given.imageCodec] ?? given.imageCodec}`);
  }
  if (given.captureInterval > 86_400) throw invalidInput('capture_interval (1 to 86400 s)');
  for (const side of [given.width, given.height]) {
    if (side < 0 || side > 4096) throw invalidInput('images.width, images.height (0 to 4096)');
  }
  return {
    kind: 'images',
    interval: given.captureInterval === 0 ? 10 : given.captureInterval,
    width: given.width - (given.width % 2),
    height: given.height - (given.height % 2),
    prefix: given.filenamePrefix,
    suffix: IMAGE_SUFFIX[given.filenameSuffix] ?? 'index',
    manifest: !given.disableManifest,
    storage,
  };
}

const PROTOCOLS = {
  [StreamProtocol.RTMP]: 'rtmp',
  [StreamProtocol.SRT]: 'srt',
  [StreamProtocol.WEBSOCKET]: 'websocket',
} as const;

/** @throws EgressError */
export function streamOutput(given: Pick<StreamOutput, 'protocol' | 'urls'>): StreamSpec {
  const urls = given.urls.map((url) => streamUrl(url));
  const [first] = urls;
  if (first === undefined) throw invalidInput('stream urls');
  const asked =
    given.protocol === StreamProtocol.DEFAULT_PROTOCOL ? undefined : PROTOCOLS[given.protocol];
  if (asked !== undefined && urls.some(({ protocol }) => protocol !== asked)) {
    throw new EgressError('invalid_argument', `${asked} output has urls of another protocol`);
  }
  const raw = first.protocol === 'websocket';
  if (urls.some(({ protocol }) => (protocol === 'websocket') !== raw)) {
    const text =
      'urls of one stream output are either ws(s) or rtmp(s) and srt: start two egresses';
    throw new EgressError('invalid_argument', text);
  }
  return { kind: 'stream', urls: urls.map(({ url }) => url), raw };
}
