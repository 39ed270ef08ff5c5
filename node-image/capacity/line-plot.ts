/** A plot as SVG, of lines over one axis. */

export interface Line {
  readonly name: string;
  /** In order of x; what was not measured is left out. */
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface PlotOptions {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly lines: readonly Line[];
}

const WIDTH = 640;
const HEIGHT = 360;
const MARGIN = { left: 64, right: 24, top: 48, bottom: 56 };
const COLOURS = ['#1769aa', '#c2410c', '#15803d', '#7e22ce'];

/** Both axes begin at 0, so that lengths can be compared. */
export function plot({ title, x, y, lines }: PlotOptions): string {
  const points = lines.flatMap((line) => line.points);
  const topX = niceTop(Math.max(...points.map((point) => point.x), 0));
  const topY = niceTop(Math.max(...points.map((point) => point.y), 0));
  const atX = (value: number): number =>
    MARGIN.left + (value / topX) * (WIDTH - MARGIN.left - MARGIN.right);
  const atY = (value: number): number =>
    HEIGHT - MARGIN.bottom - (value / topY) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const ticks = [0, 0.25, 0.5, 0.75, 1];
  const parts = [
    text(WIDTH / 2, 22, title, 'middle', 15),
    text(WIDTH / 2, HEIGHT - 14, x, 'middle'),
    `<text transform="translate(16 ${HEIGHT / 2}) rotate(-90)" text-anchor="middle" font-size="12">${escapeXml(y)}</text>`,
    ...ticks.flatMap((share) => [
      `<path d="M${MARGIN.left} ${atY(share * topY)}H${WIDTH - MARGIN.right}" stroke="#ddd"/>`,
      text(MARGIN.left - 6, atY(share * topY) + 4, label(share * topY), 'end'),
      text(atX(share * topX), HEIGHT - MARGIN.bottom + 18, label(share * topX), 'middle'),
    ]),
    ...lines.flatMap((line, index) => {
      const colour = COLOURS[index % COLOURS.length] ?? '#000';
      const path = line.points.map((point) => `${atX(point.x)},${atY(point.y)}`).join(' ');
      const left = MARGIN.left + 12 + index * 160;
      return [
        `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
        ...line.points.map(
          (point) => `<circle cx="${atX(point.x)}" cy="${atY(point.y)}" r="3.5" fill="${colour}"/>`,
        ),
        `<rect x="${left}" y="32" width="12" height="4" fill="${colour}"/>`,
        text(left + 18, 39, line.name, 'start'),
      ];
    }),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif">
<title>${escapeXml(title)}</title>
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
${parts.join('\n')}
</svg>
`;
}

function text(x: number, y: number, value: string, anchor: string, size = 12): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" font-size="${size}">${escapeXml(value)}</text>`;
}

const escapeXml = (value: string): string =>
  value.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

const label = (value: number): string => `${Number(value.toPrecision(3))}`;

/** The next of 1, 2, 4, 5, 8 times a power of ten. */
function niceTop(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 4, 5, 8, 10].find((factor) => factor * power >= value) ?? 10;
  return step * power;
}
