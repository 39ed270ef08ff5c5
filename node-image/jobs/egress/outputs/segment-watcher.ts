import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Segment, segmentsOf } from './playlist';

const LOOK_MS = 200;

/** Tells of each segment once it is complete: when ffmpeg lists it. */
export class SegmentWatcher {
  readonly #playlist: string;
  readonly #tell: (segment: Segment) => void;
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void> = Promise.resolve();
  /** The index of the next one. */
  #told = 0;

  constructor(folder: string, tell: (segment: Segment) => void) {
    this.#playlist = join(folder, 'index.m3u8');
    this.#tell = tell;
    this.#timer = setInterval(() => void this.look(), LOOK_MS);
  }

  /** Looks now; resolves when all that is listed has been told. */
  look(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#look());
    return this.#looking;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    let text: string;
    try {
      text = await readFile(this.#playlist, 'utf8');
    } catch {
      return; // There is none before the first segment is complete.
    }
    for (const segment of segmentsOf(text)) {
      if (segment.index < this.#told) continue;
      this.#told = segment.index + 1;
      this.#tell(segment);
    }
  }
}
