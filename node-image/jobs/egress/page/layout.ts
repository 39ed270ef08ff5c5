import type { Participant, TrackPublication } from 'livekit-client';

/** What is shown of one participant: its camera, its screen, or its name. */
export interface Shown {
  /** Says which of those before it was. */
  readonly key: string;
  readonly participant: Participant;
  readonly publication: TrackPublication | undefined;
  readonly isScreen: boolean;
}

/** The layouts of LiveKit's page, each also for a light background. */
export const LAYOUTS = ['grid', 'speaker', 'single-speaker'] as const;
export type Layout = (typeof LAYOUTS)[number];

export interface ChosenLayout {
  readonly layout: Layout;
  readonly isLight: boolean;
}

/** An unknown one is the grid, as it is of LiveKit's page. */
export function layoutOf(text: string): ChosenLayout {
  const isLight = text.endsWith('-light');
  const name = text.replace(/-(?:light|dark)$/, '');
  return { layout: LAYOUTS.find((one) => one === name) ?? 'grid', isLight };
}

/** Columns for so many tiles of a camera's shape on a stage of this one. Pure. */
export function columnsFor(count: number, width: number, height: number): number {
  let best = 1;
  let bestSize = 0;
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const tile = Math.min(width / columns, ((height / rows) * 16) / 9);
    if (tile >= bestSize) {
      bestSize = tile;
      best = columns;
    }
  }
  return best;
}

/** So many tiles of a grid can still be made out. */
const MAX_TILES = 25;
const MAX_SIDE = 5;

/** Who is large and who is small. Pure. */
export function arranged(all: readonly Shown[], layout: Layout, speaker: string) {
  if (layout === 'grid') return { main: all.slice(0, MAX_TILES), side: [] };
  const screen = all.find(({ isScreen }) => isScreen);
  const speaking = all.find(({ participant }) => participant.identity === speaker);
  const first = screen ?? speaking ?? all[0];
  const main = first === undefined ? [] : [first];
  const side = layout === 'speaker' ? all.filter((one) => one !== first).slice(0, MAX_SIDE) : [];
  return { main, side };
}
