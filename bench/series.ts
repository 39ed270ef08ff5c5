/** Series that are no scenario of the load source against one server. */

/** What such a series has found. */
export interface Extra {
  readonly series: string;
  readonly title: string;
  /** How it was measured, in a sentence or two. */
  readonly about: string;
  /** As Markdown. */
  readonly table: string;
  readonly notes?: readonly string[];
  /** The figures, for programs. */
  readonly figures: unknown;
}

export interface ExtraOptions {
  /** Of the load source. */
  readonly program: string;
  readonly address: string;
  /** Program of livekit-server; empty where there is none. */
  readonly peer: string;
  /** Program of LiveKit's command line; empty where there is none. */
  readonly lk: string;
  /** Smaller and shorter, to see that it works. */
  readonly isSmoke: boolean;
  readonly say: (line: string) => void;
}

export interface ExtraSeries {
  readonly name: string;
  /** How long it takes, about; seconds. */
  readonly seconds: number;
  readonly run: (options: ExtraOptions) => Promise<Extra>;
}

/** Rows under a head, as Markdown; the first column is text. */
export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (row: readonly string[]): string => `| ${row.join(' | ')} |`;
  const rule = `|${head.map((_, i) => (i === 0 ? ' --- ' : ' ---: ')).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}
