import type { BrowserClient } from '../../../support/client';

/**
 * Publishes from a page what `FlashBeep` publishes: white and a tone for the first 200 ms of each
 * second, by the clock of the sound.
 */
export async function publishFlashBeep(client: BrowserClient): Promise<void> {
  await client.run(async (c) => {
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
    canvas.width = 640;
    canvas.height = 360;
    const context = canvas.getContext('2d');
    if (context === null) throw new Error('this browser draws no canvas');
    let frame = 0;
    setInterval(() => {
      frame += 1;
      const now = audio.currentTime;
      context.fillStyle = now >= first && now % 1 < 0.2 ? 'white' : 'black';
      context.fillRect(0, 0, 640, 360);
      for (let i = 0; i < 30; i++) {
        context.fillStyle = `hsl(${(frame * 7 + i * 15) % 360} 80% 50%)`;
        context.fillRect((i * 211 + frame * 9) % 640, 300, 20, 40);
      }
    }, 20);
    const [picture] = canvas.captureStream(25).getVideoTracks();
    const [sound] = out.stream.getAudioTracks();
    if (picture === undefined || sound === undefined) throw new Error('no tracks to publish');
    const { Source } = c.lk.Track;
    await c.room.localParticipant.publishTrack(picture, { source: Source.Camera, simulcast: true });
    await c.room.localParticipant.publishTrack(sound, { source: Source.Microphone, dtx: true });
  });
}
