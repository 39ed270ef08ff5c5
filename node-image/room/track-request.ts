import {
  type AddTrackRequest,
  AudioTrackFeature,
  BackupCodecPolicy,
  SimulcastCodecInfo,
  TimedVersion,
  TrackInfo,
  TrackSource,
  TrackType,
  type VideoLayer,
  VideoLayer_Mode,
} from '@livekit/protocol';
import { isEnabled, isSvcCodec, PUBLISH_CODECS } from '../media/codecs';
import type { ExpectedTrack } from '../media/publisher-connection';
import { newId } from './ids';
import { streamOf } from './permission';

/** Letters of a track's sid after "TR_", by kind and source, as in LiveKit's. */
function sidPrefix(request: AddTrackRequest): string {
  const kind = request.type === TrackType.VIDEO ? 'V' : 'A';
  const source: Partial<Record<TrackSource, string>> = {
    [TrackSource.CAMERA]: 'C',
    [TrackSource.MICROPHONE]: 'M',
    [TrackSource.SCREEN_SHARE]: 'S',
    [TrackSource.SCREEN_SHARE_AUDIO]: 's',
  };
  return `TR_${kind}${source[request.source] ?? ''}`;
}

/** The TrackInfo of a track that a client asks to publish. Source: livekit_rtc.proto AddTrackRequest. */
export function trackInfoOf(request: AddTrackRequest, enabled: readonly string[] = []): TrackInfo {
  const features = new Set(request.audioFeatures);
  if (request.stereo) {
    features.add(AudioTrackFeature.TF_STEREO);
  }
  if (request.disableDtx) {
    features.add(AudioTrackFeature.TF_NO_DTX);
  }
  const info = new TrackInfo({
    sid: newId(sidPrefix(request)),
    type: request.type,
    name: request.name,
    muted: request.muted,
    width: request.width,
    height: request.height,
    source: request.source,
    layers: copyLayers(request.layers),
    disableDtx: request.disableDtx,
    disableRed: request.disableRed,
    stereo: request.stereo,
    encryption: request.encryption,
    stream: request.stream || streamOf(request.source),
    backupCodecPolicy:
      request.type === TrackType.AUDIO ? BackupCodecPolicy.SIMULCAST : request.backupCodecPolicy,
    audioFeatures: [...features],
    packetTrailerFeatures: [...new Set(request.packetTrailerFeatures)],
    version: newVersion(),
  });
  info.codecs = codecsOf(request, enabled);
  const [first] = info.codecs;
  info.mimeType = first?.mimeType ?? '';
  info.simulcast =
    first !== undefined &&
    first.videoLayerMode !== VideoLayer_Mode.MULTIPLE_SPATIAL_LAYERS_PER_STREAM &&
    first.layers.length > 1;
  return info;
}

export const newVersion = (): TimedVersion =>
  new TimedVersion({ unixMicro: BigInt(Date.now()) * 1000n });

/** The codecs that a request names, each once; codecs that cannot be had are replaced. */
export function codecsOf(
  request: AddTrackRequest,
  enabled: readonly string[] = [],
): SimulcastCodecInfo[] {
  if (request.simulcastCodecs.length === 0) {
    return [
      new SimulcastCodecInfo({
        cid: request.cid,
        layers: copyLayers(request.layers),
        videoLayerMode: VideoLayer_Mode.ONE_SPATIAL_LAYER_PER_STREAM,
      }),
    ];
  }
  const codecs = new Map<string, SimulcastCodecInfo>();
  for (const { codec, cid, layers, videoLayerMode } of request.simulcastCodecs) {
    const mimeType = usableMimeType(request.type, codec, enabled);
    if (!codecs.has(mimeType)) {
      codecs.set(
        mimeType,
        new SimulcastCodecInfo({
          mimeType,
          cid,
          layers: copyLayers(layers.length > 0 ? layers : request.layers),
          videoLayerMode:
            videoLayerMode === VideoLayer_Mode.MODE_UNUSED ? layerMode(mimeType) : videoLayerMode,
        }),
      );
    }
  }
  return [...codecs.values()];
}

function layerMode(mimeType: string): VideoLayer_Mode {
  return isSvcCodec(mimeType)
    ? VideoLayer_Mode.MULTIPLE_SPATIAL_LAYERS_PER_STREAM
    : VideoLayer_Mode.ONE_SPATIAL_LAYER_PER_STREAM;
}

/** "vp8" or "video/vp8" as the canonical "video/VP8"; what is not enabled becomes the first that is. */
function usableMimeType(type: TrackType, codec: string, enabled: readonly string[]): string {
  const kind = type === TrackType.VIDEO ? 'video' : 'audio';
  const asked = (codec.includes('/') ? codec : `${kind}/${codec}`).toLowerCase();
  const usable = PUBLISH_CODECS.map(({ mime }) => mime).filter(
    (mime) => mime.startsWith(kind) && mime !== 'video/rtx' && isEnabled(mime, enabled),
  );
  return (
    usable.find((mime) => mime.toLowerCase() === asked) ??
    usable[0] ??
    (kind === 'video' ? 'video/VP8' : 'audio/opus')
  );
}

function copyLayers(layers: readonly VideoLayer[]): VideoLayer[] {
  return layers.map((layer) => layer.clone()).sort((a, b) => a.quality - b.quality);
}

/** What the media side has to know of one codec of a track. */
export function expectedTrack(
  info: TrackInfo,
  codec: SimulcastCodecInfo,
  cid: string,
  enabledCodecs: readonly string[] = [],
): ExpectedTrack {
  return {
    cid,
    kind: info.type === TrackType.VIDEO ? 'video' : 'audio',
    mimeType: codec.mimeType || undefined,
    enabledCodecs,
    layerCount: codec.layers.length,
    stereo: info.audioFeatures.includes(AudioTrackFeature.TF_STEREO),
    dtx: info.type === TrackType.AUDIO && !info.audioFeatures.includes(AudioTrackFeature.TF_NO_DTX),
    screen: info.source === TrackSource.SCREEN_SHARE,
  };
}
