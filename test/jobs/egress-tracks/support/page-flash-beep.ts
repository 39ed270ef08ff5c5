import type { BrowserClient } from '../../../support/client';

/**
 * Publishes from a page what `FlashBeep` publishes: white and a tone for the first 200 ms of each
 * second, by the clock of the sound.
 */
export async function publishFlashBeep(
  client: BrowserClient,
  picture: { readonly codec: 'vp8' | 'vp9'; readonly width: number; readonly height: number },
): Promise<void> {
  await client.run(async (c, { codec, width, height }) => {
    const audio = new AudioContext({ sampleRate: 48_000 });
    const oscillator = audio.createOscillator();
    oscillator.frequency.value = 1000;
    const gain = audio.createGain();
    gain.gain.value = 0;
    const first = Math.ceil(audio.currentTime) + 1;
    for (let second = first; second < first + 120; second += 1) {
      gain.gain.setValueAtTime(0.5, second);
      gain.gain.setValueAtTime(0, second + 0.2);
    }
    const out = audio.createMediaStreamDestination();
    oscillator.connect(gain).connect(out);
    oscillator.start();

    const canvas = document.createElement('canvas');
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext('2d');
    if (context === null) throw new Error('this browser draws no canvas');
    let frame = 0;
    setInterval(() => {
      frame += 1;
      const now = audio.currentTime;
      context.fillStyle = now >= first && now % 1 < 0.2 ? 'white' : 'black';
      context.fillRect(0, 0, width, height);
      for (let i = 0; i < 30; i++) {
        context.fillStyle = `hsl(${(frame * 7 + i * 15) % 360} 80% 50%)`;
        context.fillRect((i * 211 + frame * 9) % width, height - 60, 20, 40);
      }
    }, 20);
    const [camera] = canvas.captureStream(25).getVideoTracks();
    const [sound] = out.stream.getAudioTracks();
    if (camera === undefined || sound === undefined) throw new Error('no tracks to publish');
    const { Source } = c.lk.Track;
    await c.room.localParticipant.publishTrack(camera, {
      source: Source.Camera,
      simulcast: true,
      videoCodec: codec,
      backupCodec: false,
      videoEncoding: { maxBitrate: 2_000_000, maxFramerate: 25 },
    });
    await c.room.localParticipant.publishTrack(sound, { source: Source.Microphone, dtx: true });
  }, picture);
}
