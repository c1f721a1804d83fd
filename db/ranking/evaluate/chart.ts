/** A report as a picture: bars of each metric side by side, in a file of its own that every browser shows. */
import { METRICS } from './metrics.ts';
import type { EvaluationReport } from './report.ts';

const COLOURS = ['#2f6db5', '#d9822b', '#4c9a52', '#b8433f', '#7d5ba6', '#8c6d4f'];
const WIDTH = 900;
const HEIGHT = 420;
const LEFT = 60;
const BOTTOM = 60;
const TOP = 70;
const GRID_LINES = 4;

/** SVG. */
export function chartOf(report: EvaluationReport): string {
  const { groups, names } = barsOf(report);
  const highest = Math.max(0.01, ...groups.flatMap(({ values }) => values));
  const height = (value: number): number => ((HEIGHT - TOP - BOTTOM) * value) / highest;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...legend(names),
    ...grid(highest, height),
    ...groups.flatMap((group, at) => bars(group, at, groups.length, height)),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

interface Bars {
  readonly label: string;
  readonly values: readonly number[];
}

function barsOf({ days, rankers }: EvaluationReport): {
  readonly groups: readonly Bars[];
  readonly names: readonly string[];
} {
  if (days !== null) {
    const { ndcg20 } = days;
    return { names: Object.keys(ndcg20), groups: [{ label: 'NDCG@20', values: Object.values(ndcg20) }] };
  }
  const groups = METRICS.map((metric) => ({
    label: metric,
    values: rankers.map(({ metrics }) => metrics[metric]),
  }));
  return { names: rankers.map(({ ranker }) => ranker), groups };
}

function legend(names: readonly string[]): readonly string[] {
  const step = (WIDTH - LEFT) / Math.max(1, names.length);
  return names.flatMap((name, at) => {
    const x = round(LEFT + at * step);
    return [
      `<rect x="${x}" y="20" width="12" height="12" fill="${colour(at)}"/>`,
      `<text x="${x + 18}" y="30">${escaped(name)}</text>`,
    ];
  });
}

function grid(highest: number, height: (value: number) => number): readonly string[] {
  return Array.from({ length: GRID_LINES + 1 }, (_, line) => {
    const value = (highest * line) / GRID_LINES;
    const y = round(HEIGHT - BOTTOM - height(value));
    return (
      `<line x1="${LEFT}" x2="${WIDTH - 10}" y1="${y}" y2="${y}" stroke="#ddd"/>` +
      `<text x="${LEFT - 8}" y="${y + 4}" text-anchor="end">${value.toFixed(3)}</text>`
    );
  });
}

function bars(
  { label, values }: Bars,
  at: number,
  groups: number,
  height: (value: number) => number,
): readonly string[] {
  const room = (WIDTH - LEFT - 10) / groups;
  const width = (room * 0.8) / Math.max(1, values.length);
  const left = LEFT + at * room + room * 0.1;
  const base = HEIGHT - BOTTOM;
  const drawn = values.map((value, bar) => {
    const tall = round(height(value));
    return (
      `<rect x="${round(left + bar * width)}" y="${round(base - tall)}" width="${round(width * 0.92)}" height="${tall}" ` +
      `fill="${colour(bar)}"><title>${value.toFixed(4)}</title></rect>`
    );
  });
  const middle = round(LEFT + (at + 0.5) * room);
  return [...drawn, `<text x="${middle}" y="${base + 20}" text-anchor="middle">${label}</text>`];
}

function colour(at: number): string {
  return COLOURS[at % COLOURS.length]!;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
