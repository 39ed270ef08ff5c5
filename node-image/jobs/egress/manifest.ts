import { posix } from 'node:path';
import type { EgressInfo } from '@livekit/protocol';
import type { EgressSpec, StorageSpec } from './spec';
import type { Storage } from './upload/storage';

/** What a recording is, beside it: `EGRESS_ID.json` in the folder of its first output. */
interface Manifest {
  readonly egress_id: string;
  readonly room_id?: string;
  readonly room_name?: string;
  /** Of a page. */
  readonly url?: string;
  readonly publisher_identity?: string;
  readonly track_id?: string;
  readonly audio_track_id?: string;
  readonly video_track_id?: string;
  /** ns since 1970 */
  readonly started_at: number;
  readonly ended_at: number;
  readonly files?: readonly { readonly filename: string; readonly location: string }[];
  readonly playlists?: readonly { readonly location: string; readonly segment_count: number }[];
}

/**
 * Stores it where the first output that has not refused one is.
 *
 * Source: livekit/egress, pkg/config/manifest.go.
 *
 * @returns where; undefined: none is wanted.
 * @throws StorageError
 */
export async function storeManifest(
  info: EgressInfo,
  spec: EgressSpec,
  openStorage: (storage: StorageSpec) => Storage,
): Promise<string | undefined> {
  const output = spec.outputs.find((one) => one.kind !== 'stream' && one.manifest);
  if (output === undefined || output.kind === 'stream') return undefined;
  const key = posix.join(posix.dirname(pathOf(info, output.kind)), `${info.egressId}.json`);
  const storage = openStorage(output.storage);
  try {
    const bytes = Buffer.from(`${JSON.stringify(manifestOf(info, spec))}\n`);
    await storage.put(key, { bytes }, { contentType: 'application/json' });
    return storage.location(key);
  } finally {
    storage.close();
  }
}

function pathOf(info: EgressInfo, kind: 'file' | 'segments' | 'images'): string {
  switch (kind) {
    case 'file':
      return info.fileResults[0]?.filename ?? '';
    case 'segments': {
      const [segments] = info.segmentResults;
      return segments?.playlistName || segments?.livePlaylistName || '';
    }
    case 'images':
      return info.imageResults[0]?.filenamePrefix ?? '';
  }
}

function manifestOf(info: EgressInfo, spec: EgressSpec): Manifest {
  const { fileResults, segmentResults } = info;
  return {
    egress_id: info.egressId,
    ...(info.roomId !== '' && { room_id: info.roomId }),
    ...(info.roomName !== '' && { room_name: info.roomName }),
    ...ofSource(spec),
    started_at: Number(info.startedAt),
    ended_at: Number(info.endedAt),
    ...(fileResults.length > 0 && {
      files: fileResults.map(({ filename, location }) => ({ filename, location })),
    }),
    ...(segmentResults.length > 0 && {
      playlists: segmentResults.map((one) => ({
        location: one.playlistLocation || one.livePlaylistLocation,
        segment_count: Number(one.segmentCount),
      })),
    }),
  };
}

function ofSource({ source }: EgressSpec): Partial<Manifest> {
  switch (source.kind) {
    case 'template':
      return {};
    case 'web':
      // Without what may be a token.
      return { url: source.url.replace(/[?#].*$/s, '') };
    case 'media':
      if (source.video.of === 'none') return {};
      return source.video.of === 'track'
        ? { video_track_id: source.video.id }
        : { publisher_identity: source.video.id };
    case 'participant':
      return { publisher_identity: source.identity };
    case 'track':
      return { track_id: source.trackId };
    case 'tracks':
      return {
        ...(source.audioTrackId !== '' && { audio_track_id: source.audioTrackId }),
        ...(source.videoTrackId !== '' && { video_track_id: source.videoTrackId }),
      };
  }
}
