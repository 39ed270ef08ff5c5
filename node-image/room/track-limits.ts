import type { AddTrackRequest } from '@livekit/protocol';

/** What a client may say of one track, in bytes: it is repeated to all others. */
const MAX_BYTES = 16 * 1024;
/** More than any encoder makes. */
const MAX_LAYERS = 16;
const MAX_FEATURES = 32;

/** What a request says too much of, in words for the client; undefined where all is well. */
export function excessOf(request: AddTrackRequest): string | undefined {
  const { layers, simulcastCodecs, audioFeatures, packetTrailerFeatures } = request;
  const mostLayers = Math.max(layers.length, ...simulcastCodecs.map((one) => one.layers.length));
  if (mostLayers > MAX_LAYERS) {
    return `${mostLayers} layers are too many, at most ${MAX_LAYERS} are allowed`;
  }
  const features = Math.max(audioFeatures.length, packetTrailerFeatures.length);
  if (features > MAX_FEATURES) {
    return `${features} features are too many, at most ${MAX_FEATURES} are allowed`;
  }
  const bytes = request.toBinary().byteLength;
  return bytes > MAX_BYTES
    ? `${bytes} bytes about a track are too many, at most ${MAX_BYTES} are allowed`
    : undefined;
}
