/** Pictures and sound to publish. They need no device and no permission. */

/** How a generated camera or screen looks. */
export interface PictureOptions {
  /** @default 1280 */
  readonly width?: number;
  /** @default 720 */
  readonly height?: number;
  /** Frames a second. @default 15 */
  readonly fps?: number;
  /** CSS colour of the ground, so that a receiver can tell pictures apart. @default 'rgb(40, 90, 160)' */
  readonly colour?: string;
}

/**
 * A picture that moves in every frame, so that the encoder always has something to send, and so
 * simple that 720 lines of it fit into 100 kbit/s.
 */
export function movingPicture(options: PictureOptions = {}): MediaStreamTrack {
  const { width = 1280, height = 720, fps = 15, colour = 'rgb(40, 90, 160)' } = options;
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  if (!context) throw new Error('this browser draws no canvas');
  let frame = 0;
  const draw = (): void => {
    frame++;
    context.fillStyle = colour;
    context.fillRect(0, 0, width, height);
    const size = height / 9;
    for (let i = 0; i < 4; i++) {
      context.fillStyle = `hsl(${i * 90} 80% 50%)`;
      const x = (i * width) / 4 + ((frame * (i + 1) * 2) % (width / 4 - size));
      // The upper third stays in the ground's colour.
      context.fillRect(x, height / 2 + i * size * 0.5, size, size);
    }
  };
  draw();
  const timer = setInterval(draw, 1000 / fps);
  const [track] = canvas.captureStream(fps).getVideoTracks();
  if (!track) throw new Error('the canvas gave no video track');
  endWith(track, () => clearInterval(timer));
  return track;
}

/** A sine tone. */
export function tone(frequencyHz = 440, channels = 1): MediaStreamTrack {
  const context = new AudioContext({ sampleRate: 48_000 });
  const oscillator = context.createOscillator();
  oscillator.frequency.value = frequencyHz;
  const gain = context.createGain();
  gain.gain.value = 0.4;
  const out = context.createMediaStreamDestination();
  out.channelCount = channels;
  oscillator.connect(gain).connect(out);
  oscillator.start();
  const [track] = out.stream.getAudioTracks();
  if (!track) throw new Error('the oscillator gave no audio track');
  endWith(track, () => void context.close());
  return track;
}

/** `stop()` fires no event, so the end of a track is noticed by wrapping it. */
function endWith(track: MediaStreamTrack, release: () => void): void {
  const stop = track.stop.bind(track);
  track.stop = () => {
    stop();
    release();
  };
}
