import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import type { Logger } from 'pino';
import pino from 'pino';
import type { OpenSource } from '../../../../node-image/jobs/egress/source';
import type { TracksRequest } from '../../../../node-image/jobs/egress/tracks/track-choice';
import { TracksSource } from '../../../../node-image/jobs/egress/tracks/tracks-source';
import type { TappedRoom } from '../../../../node-image/room/tapped-room';

/** A source that goes into a file, without an Egress around it. */
export interface Recording {
  readonly source: TracksSource;
  readonly open: OpenSource;
  /** How long the source was open, in s, up to now. */
  seconds(): number;
  /** Closes the source, and waits for ffmpeg. */
  finish(): Promise<void>;
}

export const testLog: Logger = pino({ level: process.env['TEST_LOG'] ?? 'error' });

/** `ffmpeg -c copy` of what a source gives. */
export async function record(options: {
  readonly openRoom: (room: string) => Promise<TappedRoom | undefined>;
  readonly room: string;
  readonly request: TracksRequest;
  readonly file: string;
}): Promise<Recording> {
  const { openRoom, room, request, file } = options;
  const source = new TracksSource({ room, request, openRoom, log: testLog });
  const open = await source.open(new AbortController().signal);
  const [input] = open.inputs;
  if (input === undefined || !('pipe' in input.from)) {
    throw new Error('the source has no pipe');
  }
  const args = ['-v', 'warning', ...input.args, '-i', 'pipe:0', '-c', 'copy', '-y', file];
  const ffmpeg = spawn('ffmpeg', args, { stdio: ['pipe', 'ignore', 'inherit'] });
  const exited = once(ffmpeg, 'exit');
  const piped = pipeline(input.from.pipe, ffmpeg.stdin);
  return {
    source,
    open,
    seconds: () => Date.now() / 1000 - Number(open.startedAtNs / 1_000_000n) / 1000,
    finish: async () => {
      await source.close();
      await piped;
      await exited;
    },
  };
}
