/** Lines over logarithmic axes as SVG. Pure. */
import { compact } from '../peers/plot.ts';

export interface Line {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

const WIDTH = 760;
const HEIGHT = 420;
const LEFT = 70;
const RIGHT = 220;
const TOP = 70;
const BOTTOM = 50;
const COLOURS = ['#0b6e4f', '#3566a8', '#b0532b', '#7a4fa3', '#8a8a1f', '#444'];
/** Names of lines that end near each other stay apart. */
const NAME_STEP = 15;

/** Every value is above 0. */
export function lineChart(title: string, caption: string, xTitle: string, lines: readonly Line[]): string {
  const points = lines.flatMap((line) => line.points);
  const x = scale(
    points.map((point) => point.x),
    LEFT,
    WIDTH - RIGHT,
  );
  const y = scale(
    points.map((point) => point.y),
    HEIGHT - BOTTOM,
    TOP,
  );
  const parts = [
    text(20, 26, title, 'font-size="16" font-weight="600"'),
    text(20, 44, caption, 'font-size="11" fill="#555"'),
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, xTitle, 'font-size="12" text-anchor="middle"'),
    ...y.ticks.map((tick) => rule(LEFT, y.at(tick), WIDTH - RIGHT, y.at(tick))),
    ...y.ticks.map((tick) =>
      text(LEFT - 8, y.at(tick) + 4, compact(tick), 'font-size="11" text-anchor="end"'),
    ),
    ...x.ticks.map((tick) =>
      text(x.at(tick), HEIGHT - BOTTOM + 18, compact(tick), 'font-size="11" text-anchor="middle"'),
    ),
  ];
  let lowest = Number.NEGATIVE_INFINITY;
  const named = lines
    .map((line, at) => ({ line, colour: COLOURS[at % COLOURS.length]!, end: y.at(line.points.at(-1)!.y) }))
    .sort((a, b) => a.end - b.end);
  for (const { line, colour, end } of named) {
    const path = line.points.map((point) => `${round(x.at(point.x))},${round(y.at(point.y))}`).join(' ');
    lowest = Math.max(end, lowest + NAME_STEP);
    parts.push(
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      ...line.points.map(
        (point) =>
          `<circle cx="${round(x.at(point.x))}" cy="${round(y.at(point.y))}" r="3" fill="${colour}"/>`,
      ),
      text(WIDTH - RIGHT + 12, lowest + 4, line.name, `font-size="12" fill="${colour}"`),
    );
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" role="img">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

/** From the power of ten below the least to the one above the most. */
function scale(values: readonly number[], from: number, to: number) {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  return {
    ticks: Array.from({ length: high - low + 1 }, (_, at) => Number(`1e${low + at}`)),
    at: (value: number) => from + ((Math.log10(value) - low) / (high - low)) * (to - from),
  };
}

function rule(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="#e3e6ea"/>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function text(x: number, y: number, content: string, attributes: string): string {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escapeXml(content)}</text>`;
}

function escapeXml(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
