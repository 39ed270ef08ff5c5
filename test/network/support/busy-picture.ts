import type { BrowserClient } from '../../support/client';

/** What the layers of a busy picture take, in bit/s, from the lowest to the top. */
export const LAYERS = [
  { height: 180, bitrate: 80_000 },
  { height: 360, bitrate: 200_000 },
  { height: 720, bitrate: 900_000 },
] as const;

/**
 * Publishes a camera whose every layer uses up its bitrate, as that of a room with people in it does,
 * and a tone as microphone.
 */
export async function publishBusyPicture(client: BrowserClient): Promise<void> {
  await client.run(async (c, layers) => {
    const canvas = document.createElement('canvas');
    canvas.width = 1280;
    canvas.height = 720;
    const context = canvas.getContext('2d');
    if (context === null) throw new Error('this browser draws no canvas');
    let frame = 0;
    const draw = (): void => {
      frame += 1;
      context.fillStyle = 'rgb(40, 90, 160)';
      context.fillRect(0, 0, 1280, 720);
      for (let i = 0; i < 24; i++) {
        context.fillStyle = `hsl(${(frame * 7 + i * 15) % 360} 80% 50%)`;
        const x = (i * 211 + frame * (3 + (i % 5) * 4)) % 1280;
        context.fillRect(x, 240 + ((i * 97 + frame * 2) % 400), 80, 80);
      }
    };
    draw();
    const timer = setInterval(draw, 1000 / 15);
    const [track] = canvas.captureStream(15).getVideoTracks();
    if (track === undefined) throw new Error('the canvas gave no video track');
    track.addEventListener('ended', () => clearInterval(timer));
    const [low, middle, top] = layers;
    await c.room.localParticipant.publishTrack(track, {
      source: c.lk.Track.Source.Camera,
      simulcast: true,
      degradationPreference: 'maintain-resolution',
      videoEncoding: { maxBitrate: top?.bitrate ?? 0, maxFramerate: 15 },
      videoSimulcastLayers: [
        new c.lk.VideoPreset(320, 180, low?.bitrate ?? 0, 15),
        new c.lk.VideoPreset(640, 360, middle?.bitrate ?? 0, 15),
      ],
    });
    await c.publishTone();
  }, LAYERS);
}

/** Waits until the publisher's own estimate of its way up allows the top layer. */
export function sendsTopLayer(client: BrowserClient, timeoutMs = 40_000): Promise<unknown> {
  return client.until(
    'the top layer to be sent',
    async (c) =>
      (await c.outbound('camera')).some((layer) => layer.height === 720 && layer.framesEncoded > 5),
    timeoutMs,
  );
}
