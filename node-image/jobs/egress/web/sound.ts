import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SourceError } from '../source';
import { Program } from './program';

/** A sound server with one sink, for one recording. */
export interface Sound {
  /** What ffmpeg opens: what is played to the sink. */
  readonly monitor: string;
  /** What its clients need in their environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly pid: number;
  readonly ended: Promise<string>;
  close(): Promise<void>;
}

const START_MS = 10_000;
const LOOK_MS = 50;
const SINK = 'recording';

/** Starts a PulseAudio of its own: no other recording can be heard in it. @throws SourceError */
export async function openSound(folder: string): Promise<Sound> {
  const socket = join(folder, 'pulse.socket');
  const own = { HOME: folder, XDG_RUNTIME_DIR: folder, PULSE_RUNTIME_PATH: folder };
  const program = new Program({
    file: 'pulseaudio',
    args: [
      ...['-n', '--daemonize=no', '--use-pid-file=no', '--exit-idle-time=-1', '--disallow-exit'],
      ...['--log-target=stderr', '--log-level=error', '--realtime=no', '--high-priority=no'],
      // The folder is closed to others, so that whoever reaches the socket may use it.
      ...['-L', `module-native-protocol-unix socket=${socket} auth-anonymous=1`],
      ...['-L', `module-null-sink sink_name=${SINK} rate=48000 channels=2`],
    ],
    env: own,
    cwd: folder,
  });
  try {
    await program.until('The sound server', socketOf(socket), START_MS);
    return {
      monitor: `${SINK}.monitor`,
      env: { ...own, PULSE_SERVER: `unix:${socket}`, PULSE_SINK: SINK },
      pid: program.pid,
      ended: program.ended,
      close: () => program.close(),
    };
  } catch (error) {
    await program.close();
    throw error;
  }
}

async function socketOf(path: string): Promise<void> {
  const until = performance.now() + START_MS;
  while (performance.now() < until) {
    try {
      await access(path);
      return;
    } catch {
      await sleep(LOOK_MS);
    }
  }
  throw new SourceError('The sound server made no socket', 500);
}
