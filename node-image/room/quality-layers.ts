import { type TrackInfo, type VideoLayer, VideoQuality } from '@livekit/protocol';
import type { ConsumerLayers } from 'mediasoup/types';

/** What a subscriber asked for of one track. Source: UpdateTrackSettings. */
export interface TrackSettings {
  readonly disabled: boolean;
  readonly quality: VideoQuality;
  /** Pixels; 0 where the client did not say. They win over quality. */
  readonly width: number;
  readonly height: number;
  /** Frames a second; 0 for all. */
  readonly fps: number;
}

export const DEFAULT_SETTINGS: TrackSettings = {
  disabled: false,
  quality: VideoQuality.HIGH,
  width: 0,
  height: 0,
  fps: 0,
};

/** The quality that these settings need: the lowest whose layer is not smaller than the picture shown. */
export function wantedQuality(info: TrackInfo, settings: TrackSettings): VideoQuality {
  if (settings.disabled) {
    return VideoQuality.OFF;
  }
  if (settings.width <= 0 || settings.height <= 0) {
    return settings.quality;
  }
  const wanted = Math.min(settings.width, settings.height);
  const layers = sortedLayers(info);
  const enough = layers.find((layer) => shortSide(layer) >= wanted);
  return (enough ?? layers.at(-1))?.quality ?? VideoQuality.HIGH;
}

/**
 * The layers of a stream that a quality stands for.
 *
 * @param spatialLayers - how many the stream has, 1 to 3.
 * @param fps - frames a second asked for, 0 for all; each temporal layer doubles the rate.
 */
export function layersFor(
  info: TrackInfo,
  quality: VideoQuality,
  spatialLayers: number,
  fps: number,
): ConsumerLayers {
  const announced = sortedLayers(info).findIndex((layer) => layer.quality === quality);
  const rank = announced >= 0 ? announced : Number(quality);
  const spatialLayer = Math.max(0, Math.min(rank, spatialLayers - 1));
  return { spatialLayer, temporalLayer: temporalLayerFor(fps) };
}

/** Cameras send up to 30 frames a second in three temporal layers: all, half, a quarter. */
function temporalLayerFor(fps: number): number {
  if (fps <= 0 || fps > 15) {
    return 2;
  }
  return fps > 7.5 ? 1 : 0;
}

function sortedLayers(info: TrackInfo): VideoLayer[] {
  return [...info.layers].sort((a, b) => a.quality - b.quality);
}

const shortSide = (layer: VideoLayer): number => Math.min(layer.width, layer.height);
