import Table from 'cli-table3';

/** A table never is wider, so that it fits a terminal, a mail and an issue. */
const MAX_COLUMNS = 100;
/** No column is made narrower for the sake of others. */
const LEAST_WIDTH = 8;
const PADDING = 2;

/** Plain ones, that survive being copied. */
const BORDERS = {
  top: '-',
  'top-mid': '+',
  'top-left': '+',
  'top-right': '+',
  bottom: '-',
  'bottom-mid': '+',
  'bottom-left': '+',
  'bottom-right': '+',
  left: '|',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '|',
  'right-mid': '',
  middle: '|',
};

/** Text as a terminal may be shown it: what others named must not steer it. */
export function printable(text: string): string {
  return text.replace(
    // Cc: controls, escape among them; Cf: what turns the writing direction, and is not seen.
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

export interface Column {
  readonly title: string;
  /** @default left */
  readonly align?: 'left' | 'right';
}

/**
 * A table for people, with a line at its end. What does not fit its column is wrapped.
 *
 * @param columns - characters of a line; more than 100 are not used
 */
export function tableOf(
  heads: readonly Column[],
  rows: readonly (readonly string[])[],
  columns = MAX_COLUMNS,
): string {
  const cells = rows.map((row) => row.map(printable));
  const natural = heads.map(({ title }, index) =>
    Math.max(title.length, ...cells.map((row) => widthOf(row[index] ?? ''))),
  );
  const table = new Table({
    head: heads.map(({ title }) => title),
    chars: BORDERS,
    style: { head: [], border: [] },
    colAligns: heads.map(({ align = 'left' }) => align),
    colWidths: fitted(natural, Math.min(columns, MAX_COLUMNS)).map((width) => width + PADDING),
    wordWrap: true,
    wrapOnWordBoundary: false,
  });
  table.push(...cells);
  const lines = table.toString().split('\n');
  const [top = ''] = lines;
  // The line below the heads; cli-table3 has either one below each row, or none.
  const headLines = 2;
  return `${[...lines.slice(0, headLines), top, ...lines.slice(headLines)].join('\n')}\n`;
}

/** Characters on the screen: a wide one takes two places, which cli-table3 counts too. */
const widthOf = (text: string): number =>
  [...text].reduce((sum, each) => sum + (/[\u1100-\u{3fffd}]/u.test(each) ? 2 : 1), 0);

/** Takes from the widest columns until all fit. */
function fitted(natural: readonly number[], columns: number): number[] {
  const widths = [...natural];
  const room = columns - 1 - natural.length * (PADDING + 1);
  for (;;) {
    const sum = widths.reduce((total, width) => total + width, 0);
    const widest = Math.max(...widths);
    if (sum <= room || widest <= LEAST_WIDTH) {
      return widths;
    }
    widths[widths.indexOf(widest)] = widest - 1;
  }
}
