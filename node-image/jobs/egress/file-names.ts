import { posix } from 'node:path';
import { invalidInput } from './egress-error';

/** What stands in braces in file names. */
export interface NameFacts {
  readonly room: string;
  readonly roomId: string;
  readonly publisher: string;
  readonly trackId: string;
  /** audio, video */
  readonly trackType: string;
  /** camera, microphone, screen_share, screen_share_audio */
  readonly trackSource: string;
  /** How often the job was taken over. */
  readonly retry: number;
  readonly startedAtMs: number;
}

const EXTENSIONS = ['.mp4', '.ogg', '.mp3', '.webm', '.ivf', '.m3u8', '.ts', '.jpg', '.jpeg'];
const MAX_NAME_BYTES = 1000;

/** Fills in `{room_name}`, `{time}` and so on. Source: livekit/egress pkg/config. */
export function filledName(template: string, facts: NameFacts): string {
  const values: Readonly<Record<string, string>> = {
    room_name: facts.room,
    room_id: facts.roomId,
    publisher_identity: facts.publisher,
    track_id: facts.trackId,
    track_type: facts.trackType,
    track_source: facts.trackSource,
    retry: String(facts.retry),
    time: timeOf(facts.startedAtMs),
    utc: utcOf(facts.startedAtMs),
  };
  return template.replace(/\{([a-z_]+)\}/g, (all, key: string) => {
    const value = values[key];
    // A Room or an identity may be called anything: it must not make folders of its own, nor go up.
    return value === undefined ? all : value.replace(/[/\\]/g, '_').replace(/^\.+/, '_');
  });
}

/**
 * The path of a file output: with the default name where none is given, and the right extension.
 *
 * @param extension - with its dot
 */
export function filePath(template: string, extension: string, facts: NameFacts): string {
  const path = filledName(template, facts);
  if (path === '' || path.endsWith('/')) {
    return checkedPath(`${path}${defaultName(facts)}${extension}`);
  }
  return checkedPath(withExtension(path, extension));
}

/** The prefix of segments and images. */
export function prefixPath(template: string, facts: NameFacts): string {
  const path = filledName(template, facts);
  return checkedPath(path === '' || path.endsWith('/') ? `${path}${defaultName(facts)}` : path);
}

/** Without an extension that people know, and with this one. */
export function withExtension(path: string, extension: string): string {
  if (path.endsWith(extension)) return path;
  const known = EXTENSIONS.find((one) => path.endsWith(one));
  return `${known === undefined ? path : path.slice(0, -known.length)}${extension}`;
}

/**
 * A path below the root of a bucket or a folder, in its plainest form.
 *
 * @throws EgressError where it leads out of it
 */
export function checkedPath(path: string): string {
  const plain = posix.normalize(path).replace(/^\/+/, '');
  const outside = plain === '..' || plain.startsWith('../') || plain === '' || plain === '.';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be in a name.
  if (outside || /[\u0000-\u001f\u007f]/.test(plain) || Buffer.byteLength(plain) > MAX_NAME_BYTES) {
    throw invalidInput(`filepath (${JSON.stringify(path.slice(0, 200))})`);
  }
  return plain;
}

const defaultName = (facts: NameFacts): string => {
  const of = facts.trackId || facts.publisher || facts.room || 'web';
  return `${of.replace(/[/\\]/g, '_')}-${timeOf(facts.startedAtMs)}`;
};

const isoParts = (ms: number): string => new Date(ms).toISOString();

/** 2006-01-02T150405 */
export const timeOf = (ms: number): string => isoParts(ms).slice(0, 19).replaceAll(':', '');

/** 20060102150405000 */
export const utcOf = (ms: number): string => isoParts(ms).replace(/\D/g, '').slice(0, 17);
