import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Program } from './program';

export interface DisplayOptions {
  /** px */
  readonly width: number;
  readonly height: number;
  /** A folder of this recording alone. */
  readonly folder: string;
}

/** An X server without a screen. */
export interface Display {
  /** Such as `:3`. */
  readonly name: string;
  /** What its clients need in their environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly pid: number;
  readonly ended: Promise<string>;
  close(): Promise<void>;
}

const START_MS = 10_000;
const FAMILY_WILD = 0xff_ff;
const COOKIE_BYTES = 16;

/** Starts Xvfb; only who knows its cookie gets in. @throws SourceError */
export async function openDisplay({ width, height, folder }: DisplayOptions): Promise<Display> {
  const authority = join(folder, 'xauthority');
  await writeFile(authority, authorityFile(randomBytes(COOKIE_BYTES)), { mode: 0o600 });
  const program = new Program({
    file: 'Xvfb',
    args: [
      // It looks for a number that is free, and says which.
      ...['-displayfd', '3', '-screen', '0', `${width}x${height}x24`],
      ...['-auth', authority, '-nolisten', 'tcp', '-noreset', '-dpi', '96'],
    ],
    env: {},
    cwd: folder,
  });
  try {
    const [number] = (await program.until('The display', once(program.pipe, 'data'), START_MS)) as [
      Buffer,
    ];
    const name = `:${number.toString().trim()}`;
    return {
      name,
      env: { DISPLAY: name, XAUTHORITY: authority },
      pid: program.pid,
      ended: program.ended,
      close: () => program.close(),
    };
  } catch (error) {
    await program.close();
    throw error;
  }
}

/** A file of one cookie for all displays. Source: Xau(3), "Xauthority file format". */
function authorityFile(cookie: Buffer): Buffer {
  const counted = (bytes: Buffer): Buffer[] => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.length);
    return [length, bytes];
  };
  const family = Buffer.alloc(2);
  family.writeUInt16BE(FAMILY_WILD);
  return Buffer.concat([
    family,
    ...counted(Buffer.alloc(0)),
    ...counted(Buffer.alloc(0)),
    ...counted(Buffer.from('MIT-MAGIC-COOKIE-1')),
    ...counted(cookie),
  ]);
}
