/** The tables of `bench ranking` in docs/performance.md, between two markers, and its plots. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rounded } from '../bench.ts';
import { between, tableOf } from '../peers/page.ts';
import { type Bar, barChart, type Panel } from '../peers/plot.ts';
import { CURVES, type Curve } from './curves.ts';
import type { Finding } from './findings.ts';
import type { Kept, KeptPart } from './kept.ts';
import { type Line, lineChart } from './line-chart.ts';

const DOCS = join(import.meta.dirname, '../../../docs');
const OWN = 'TruthDB';
/** The benchmark, its server and the server's threads are about this much for each core by themselves. */
const BUSY_TIMES = 2;

/** What parts compare, in the order of the page. Times: larger is worse, so the ratio says how often the other one's time is ours. */
const TITLES: Readonly<Record<string, string>> = {
  write: 'A signal through all views, and what it takes',
  trending: 'Global trending beside Redis',
  postgres: 'Cohorts and search with filters beside PostgreSQL 15',
  text: 'Text beside FTS5',
  vectors: 'Nearest vectors beside usearch and brute force',
  queries: 'Questions over the network, idle and while signals stream in',
  rebuild: 'Starting, with and without a checkpoint',
  curves: 'What more items and more users cost',
};

export const PLOT = Object.freeze({
  peers: 'ranking-peers.svg',
  items: 'ranking-items.svg',
  users: 'ranking-users.svg',
});

/** Parts whose figures are times of TruthDB and of somebody else for the same question. */
const COMPARED = ['trending', 'postgres', 'text', 'vectors'];

export function writePage(kept: Kept): void {
  const path = join(DOCS, 'performance.md');
  writeFileSync(path, between(readFileSync(path, 'utf8'), renderPage(kept), 'ranking'));
  mkdirSync(join(DOCS, 'images'), { recursive: true });
  for (const [file, drawing] of Object.entries(drawings(kept)))
    writeFileSync(join(DOCS, 'images', file), drawing);
}

/** Plots by their file; those that nothing was measured for are left out. */
export function drawings(kept: Kept): Readonly<Record<string, string>> {
  const out: Record<string, string> = {};
  const panels = panelsOf(kept);
  if (panels.length > 0)
    out[PLOT.peers] = barChart(
      'Questions beside peers: µs, median',
      'Shorter is better; each panel has a scale of its own.',
      panels,
    );
  const { curves } = kept;
  if (curves !== undefined) for (const curve of CURVES) out[PLOT[curve]] = curveOf(curves, curve);
  return out;
}

/** Tables as Markdown. */
export function renderPage(kept: Kept): string {
  const parts = Object.keys(TITLES).flatMap((name) =>
    kept[name] === undefined ? [] : [[name, kept[name]] as const],
  );
  const aims = parts.flatMap(([, { aims }]) => aims);
  const plots = Object.keys(drawings(kept)).map((file) => `![${file.replace('.svg', '')}](images/${file})`);
  return [
    ...parts.flatMap(([name, part]) => renderPart(name, part)),
    ...plots,
    '### Aims',
    tableOf(
      ['aim', 'wanted', 'measured', 'met'],
      aims.map(({ name, aim, value, met }) => [
        name,
        aim,
        Number.isNaN(value) ? 'not measured' : rounded(value).toLocaleString('en'),
        met ? 'yes' : '**no**',
      ]),
    ),
  ].join('\n\n');
}

function renderPart(name: string, part: KeptPart): string[] {
  const { cpu, cores, memoryGiB, node } = part.machine;
  const busy = part.load > cores * BUSY_TIMES ? ', **busy with other work**: no verdict' : '';
  return [
    `### ${TITLES[name]}`,
    `\`--part=${name} --size=${part.size}\`, ${part.rounds} rounds; ${cpu}, ${cores} cores, ${memoryGiB} GiB, Node ${node}, load ${rounded(part.load)}${busy}.`,
    tableOf(
      ['', 'who', 'value', 'unit', 'ratio', ''],
      part.findings.map(({ load, who, value, unit, ratio, note }) => [
        load,
        who,
        rounded(value).toLocaleString('en', { maximumSignificantDigits: 4 }),
        unit,
        ratio === null ? '' : `${Number(ratio.toPrecision(2))}×`,
        note,
      ]),
    ),
  ];
}

function panelsOf(kept: Kept): Panel[] {
  const timed = COMPARED.flatMap((name) => kept[name]?.findings ?? []).filter(
    ({ unit }) => unit === 'µs, p50',
  );
  return [...new Set(timed.map(({ load }) => load))].map((load) => ({
    title: load,
    bars: timed.filter((finding) => finding.load === load).map(barOf),
  }));
}

function barOf({ who, value }: Finding): Bar {
  return { name: who, value, kind: who === OWN ? 'own' : 'peer' };
}

/** A curve's load is `what: COUNT items`. */
function curveOf({ findings, size }: KeptPart, curve: Curve): string {
  const own = findings.filter(({ who }) => who === curve);
  const names = [...new Set(own.map(({ load }) => load.split(': ')[0]!))];
  const lines = names.map((name): Line => {
    const points = own.filter(({ load }) => load.startsWith(`${name}: `));
    return {
      name: `${name} (${points[0]!.unit})`,
      points: points.map(({ load, value }) => ({ x: Number(load.split(': ')[1]!.split(' ')[0]), y: value })),
    };
  });
  return lineChart(
    `Costs by the number of ${curve}`,
    `Microseconds; in one process, size ${size}`,
    curve,
    lines,
  );
}
