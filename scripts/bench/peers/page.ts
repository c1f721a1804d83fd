/** The peers' part of docs/performance.md, written between two markers, and its plots. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BenchAim, rounded } from '../bench.ts';
import type { Machine } from '../machine.ts';
import type { Finding } from './outcome.ts';
import type { Peer } from './peer.ts';
import { type Bar, barChart, compact, type Panel } from './plot.ts';

const DOCS = join(import.meta.dirname, '../../../docs');
const PLOTTED_BYTES = 256;
/** A server, its load generator and their kernel threads are this much by themselves. */
const BUSY_TIMES = 2;

export interface Page {
  readonly machine: Machine;
  readonly plan: { readonly rounds: number };
  /** Programs that wanted a processor on average while this was measured, ours among them. */
  readonly load: number;
  readonly peers: readonly Peer[];
  readonly findings: readonly Finding[];
  readonly aims: readonly BenchAim[];
}

interface Part {
  readonly part: string;
  readonly title: string;
  readonly plot: string | null;
}

const PARTS: readonly Part[] = [
  {
    part: 'servers',
    title: 'Servers over the loopback: clients × requests in flight',
    plot: 'peers-servers.svg',
  },
  { part: 'libraries', title: 'In process: writes in flight', plot: 'peers-libraries.svg' },
  { part: 'replay', title: 'Replay from memory, every checksum verified', plot: null },
  { part: 'latency', title: 'Latency of a durable append over the loopback, 64 clients', plot: null },
  { part: 'recovery', title: 'Starting after a kill', plot: null },
  { part: 'growth', title: 'What a large log costs', plot: null },
];

export function writePage(page: Page): void {
  const path = join(DOCS, 'performance.md');
  writeFileSync(path, between(readFileSync(path, 'utf8'), renderPage(page)));
  mkdirSync(join(DOCS, 'images'), { recursive: true });
  for (const { part, title, plot } of PARTS) {
    const panels = panelsOf(page.findings.filter((finding) => finding.part === part));
    if (plot !== null && panels.length > 0)
      writeFileSync(join(DOCS, 'images', plot), barChart(title, caption(page), panels));
  }
}

/** `text` with what stands between the markers of a benchmark replaced. Throws when they are not there. */
export function between(text: string, content: string, bench = 'peers'): string {
  const [begin, end] = [`<!-- bench ${bench}: begin -->`, `<!-- bench ${bench}: end -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/performance.md needs the lines "${begin}" and "${end}"`);
  return `${text.slice(0, from + begin.length)}\n\n${content}\n\n${text.slice(to)}`;
}

function busyWarning({ load, machine }: Page): string {
  return (
    `**The machine was busy**: a load of ${Math.round(load)} on ${machine.cores} cores. Who needs more of a processor, or two processes where another ` +
    'needs many, gets less of it than on a quiet one, and the disk is shared too: these ratios are no verdict.'
  );
}

/** Tables as Markdown. */
export function renderPage(page: Page): string {
  const { cpu, cores, memoryGiB, kernel, node, fileSystem } = page.machine;
  const parts = PARTS.flatMap((part) => renderPart(part, page.findings));
  return [
    `Measured on ${cpu}, ${cores} cores, ${memoryGiB} GiB, ${kernel}, ${fileSystem}, Node ${node}: ${page.plan.rounds} rounds ` +
      `in turns, some seconds each; medians. In brackets: how many times as fast TruthDB was, the median of the rounds' ratios.`,
    ...(page.load > cores * BUSY_TIMES ? [busyWarning(page)] : []),
    ...parts,
    '### Aims',
    tableOf(
      ['aim', 'wanted', 'measured', 'met'],
      page.aims.map(({ name, aim, value, met }) => [name, aim, shown(value), met ? 'yes' : '**no**']),
    ),
    '### What each was told',
    tableOf(
      ['', 'version', 'durability', 'checksums', 'driven by'],
      page.peers.map((peer) => [peer.name, versionOf(peer), peer.setting, peer.checksums, peer.load]),
    ),
  ].join('\n\n');
}

function shown(value: number): string {
  return Number.isNaN(value) ? 'not measured' : rounded(value).toLocaleString('en');
}

function versionOf(peer: Peer): string {
  const absent = peer.absent();
  return absent === null ? (/\d+\.[\d.]+\d/.exec(peer.version())?.[0] ?? '') : `absent: ${absent}`;
}

function renderPart({ part, title, plot }: Part, all: readonly Finding[]): string[] {
  const findings = all.filter((finding) => finding.part === part);
  const sizes = [...new Set(findings.map(({ bytes }) => bytes))];
  if (sizes.length === 0) return [];
  // The matrices are all in events per second; elsewhere each line has a unit of its own.
  const tables = sizes.flatMap((bytes) => {
    const sized = findings.filter((finding) => finding.bytes === bytes);
    return plot === null ? [listed(sized)] : [`${bytes} B of payload, events per second:`, pivot(sized)];
  });
  return [`### ${title}`, ...tables, ...(plot === null ? [] : [`![${title}](images/${plot})`])];
}

/** A row for each contender, a column for each load. */
function pivot(findings: readonly Finding[]): string {
  const loads = [...new Set(findings.map(({ load }) => load))];
  const names = [...new Set(findings.map(({ who }) => who))];
  const rows = names.map((name) => {
    const own = findings.filter(({ who }) => who === name);
    const durable = own.every((finding) => finding.durable || finding.value === null);
    const label = durable ? name : `${name} (not durable when acknowledged)`;
    return [label, ...loads.map((load) => cell(own.find((finding) => finding.load === load)))];
  });
  return tableOf(['', ...loads], rows);
}

function listed(findings: readonly Finding[]): string {
  return tableOf(
    ['', '', 'value', 'unit'],
    findings.map((finding) => [finding.load, finding.who, cell(finding), finding.unit]),
  );
}

function cell(finding: Finding | undefined): string {
  if (finding === undefined) return '';
  if (finding.value === null) return 'absent';
  const ratio = finding.ratio === null ? '' : ` (${Number(finding.ratio.toPrecision(2))}×)`;
  return `${compact(finding.value)}${ratio}`;
}

export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function panelsOf(findings: readonly Finding[]): Panel[] {
  const plotted = findings.filter(({ bytes, value }) => bytes === PLOTTED_BYTES && value !== null);
  return [...new Set(plotted.map(({ load }) => load))].map((load) => ({
    title: load,
    bars: plotted.filter((finding) => finding.load === load).map(barOf),
  }));
}

function barOf({ who, durable, value }: Finding): Bar {
  const kind = who.startsWith('TruthDB') ? 'own' : who.startsWith('raw disk') ? 'ceiling' : 'peer';
  return { name: who, value: value ?? 0, kind: durable ? kind : 'not durable' };
}

function caption({ plan, machine }: Page): string {
  return `${PLOTTED_BYTES} B events a second, durable when acknowledged (pale: not); medians of ${plan.rounds} rounds, ${machine.cores} cores, ${machine.fileSystem.split(' ')[0]}`;
}
