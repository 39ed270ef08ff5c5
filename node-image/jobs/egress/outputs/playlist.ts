/** A piece of media that is complete. */
export interface Segment {
  /** From 0, of this run. */
  readonly index: number;
  /** Its name in the folder of segments. */
  readonly file: string;
  /** s */
  readonly duration: number;
  /** ms since 1970 of its first picture. */
  readonly startMs: number;
}

/** One line of a playlist that viewers get. */
export interface ListedSegment {
  readonly name: string;
  /** s */
  readonly duration: number;
  /** ms since 1970 */
  readonly startMs: number;
  /** The header that it needs. */
  readonly map: string;
}

/** Reads what ffmpeg writes: the newest segments. Lines that are not known are left out. */
export function segmentsOf(playlist: string): Segment[] {
  const segments: Segment[] = [];
  const first = Number(/^#EXT-X-MEDIA-SEQUENCE:(\d+)$/m.exec(playlist)?.[1] ?? 0);
  let duration = 0;
  let startMs = 0;
  for (const line of playlist.split('\n')) {
    const [, seconds] = /^#EXTINF:([\d.]+)/.exec(line) ?? [];
    if (seconds !== undefined) duration = Number(seconds);
    const [, date] = /^#EXT-X-PROGRAM-DATE-TIME:(.+)$/.exec(line) ?? [];
    if (date !== undefined) startMs = dateOf(date);
    if (line !== '' && !line.startsWith('#')) {
      const index = first + segments.length;
      segments.push({ index, file: line.replace(/^.*\//, ''), duration, startMs });
      startMs += duration * 1000;
    }
  }
  return segments;
}

/** ffmpeg writes its zone as "+0000". */
const dateOf = (text: string): number => Date.parse(text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));

/** Reads a playlist that `playlistOf` has written: of a run before this one. */
export function listedSegments(playlist: string): ListedSegment[] {
  const listed: ListedSegment[] = [];
  let duration = 0;
  let startMs = 0;
  let map = '';
  for (const line of playlist.split('\n')) {
    map = /^#EXT-X-MAP:URI="([^"]*)"/.exec(line)?.[1] ?? map;
    duration = Number(/^#EXTINF:([\d.]+)/.exec(line)?.[1] ?? duration);
    const date = /^#EXT-X-PROGRAM-DATE-TIME:(.+)$/.exec(line)?.[1];
    if (date !== undefined) startMs = Date.parse(date);
    if (line !== '' && !line.startsWith('#')) {
      listed.push({ name: line, duration, startMs, map });
      startMs += duration * 1000;
    }
  }
  return listed;
}

export interface PlaylistOptions {
  readonly kind: 'event' | 'live';
  /** s; the longest that one is meant to be. */
  readonly targetDuration: number;
  /** No more will come. */
  readonly ended: boolean;
}

/** Of the newest that a live playlist lists. Source: livekit/egress. */
const LIVE_SEGMENTS = 5;

/**
 * A playlist for players: where the header changes, another run has gone on, with a discontinuity.
 *
 * Source: RFC 8216.
 */
export function playlistOf(all: readonly ListedSegment[], options: PlaylistOptions): string {
  const { kind, ended } = options;
  const first = kind === 'live' ? Math.max(0, all.length - LIVE_SEGMENTS) : 0;
  const longest = all.reduce((most, { duration }) => Math.max(most, Math.round(duration)), 1);
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    `#EXT-X-TARGETDURATION:${Math.max(longest, options.targetDuration)}`,
    `#EXT-X-MEDIA-SEQUENCE:${first}`,
    ...(kind === 'event' ? ['#EXT-X-PLAYLIST-TYPE:EVENT'] : discontinuitySequence(all, first)),
    '#EXT-X-INDEPENDENT-SEGMENTS',
  ];
  let map = '';
  for (const segment of all.slice(first)) {
    if (segment.map !== map) {
      if (map !== '') lines.push('#EXT-X-DISCONTINUITY');
      map = segment.map;
      lines.push(`#EXT-X-MAP:URI="${map}"`);
    }
    lines.push(
      `#EXT-X-PROGRAM-DATE-TIME:${new Date(segment.startMs).toISOString()}`,
      `#EXTINF:${segment.duration.toFixed(6)},`,
      segment.name,
    );
  }
  if (ended) lines.push('#EXT-X-ENDLIST');
  return `${lines.join('\n')}\n`;
}

/** How many discontinuities have left the list. */
function discontinuitySequence(all: readonly ListedSegment[], first: number): string[] {
  let gone = 0;
  for (let at = 1; at < all.length && at <= first; at += 1) {
    // A change right at the first one has left with those before it: it is not written any more.
    if (all[at]?.map !== all[at - 1]?.map) gone += 1;
  }
  return gone === 0 ? [] : [`#EXT-X-DISCONTINUITY-SEQUENCE:${gone}`];
}
