/** `truthdb rank import`: entities, signals and relationships from JSON lines or tables, in batches, in the order of the file. */
import { basename } from 'node:path';
import type { Client, RankedWrite } from '../client/index.ts';
import { TruthError } from '../errors.ts';
import { type Arguments, type Command, misused, type Terminal } from './command.ts';
import { linesOf } from './import-jsonl.ts';
import { type ImportedRow, readMapping, rowsOf } from './rank-rows.ts';
import { connectTo, TARGET_OPTIONS } from './target.ts';
import { filePieces, textFile } from './text-file.ts';

const BATCH = 2_000;
const PROGRESS_MILLIS = 500;
const REFUSALS_SHOWN = 20;

export const rankImport: Command = {
  name: 'rank import',
  summary: 'Writes many items, users, signals and relationships from a file.',
  detail:
    'A line of JSON is {"entity":"item","key":…,"set":{…}}, {"signal":"view","target":…,"user":…} or\n' +
    '{"relate":"follows","from":…,"to":…}. With --map a mapping says what the columns of a table mean, or the fields of other JSON;\n' +
    'docs/ranking.md has examples. Lines that are refused are counted and the first of them shown; what was imported before\n' +
    'is not counted again as far back as signals are remembered, and --from goes on behind a line.',
  positionals: [{ name: 'FILE', required: true }],
  options: [
    { flag: 'map', value: 'FILE', help: 'what columns mean, as JSON' },
    {
      flag: 'source',
      value: 'NAME',
      help: 'name for ids of signals without one; default: the name of the file',
    },
    { flag: 'from', value: 'LINE', help: 'begin with this line, the first is 1' },
    { flag: 'dry-run', value: null, help: 'read everything, write nothing, and say what would be written' },
    ...TARGET_OPTIONS,
  ],
  example: 'truthdb rank import ratings.csv --map ratings.json',
  run: async (args, terminal) => {
    const rows = rowsFrom(args, terminal);
    const report = new Report();
    const ticker = setInterval(() => terminal.progress(report.line()), PROGRESS_MILLIS);
    const db = args.switch('dry-run') ? null : await connectTo(args, terminal);
    try {
      await importRows(rows, db, report, terminal);
    } finally {
      clearInterval(ticker);
      await db?.close();
    }
    await report.print(terminal, db === null);
    return report.refused > 0 ? 1 : 0;
  },
};

function rowsFrom(args: Arguments, terminal: Terminal): AsyncIterable<ImportedRow> {
  const file = args.positional(0);
  if (file === undefined) throw misused(rankImport, 'give a FILE, or - for standard input');
  const map = args.text('map');
  const mapping = map === undefined ? null : readMapping(textFile(map), map);
  const input = file === '-' ? terminal.stdin() : filePieces(file);
  const source = args.text('source') ?? (file === '-' ? 'stdin' : basename(file));
  return rowsOf(linesOf(input), { source, mapping, from: args.number('from', 1) ?? 1 });
}

/** Rows of one sort that follow each other are one batch, so that a signal finds the item before it. */
async function importRows(
  rows: AsyncIterable<ImportedRow>,
  db: Client | null,
  report: Report,
  terminal: Terminal,
): Promise<void> {
  let batch: ImportedRow[] = [];
  const flush = async (): Promise<void> => {
    if (batch.length > 0) report.wrote(batch, db === null ? null : await write(db, batch));
    batch = [];
  };
  for await (const row of rows) {
    if (terminal.signal.aborted)
      throw new TruthError('CLOSED', `interrupted; go on with --from ${report.next}`);
    if (batch.length >= BATCH || (batch[0] !== undefined && batch[0].row !== row.row)) await flush();
    batch.push(row);
  }
  await flush();
}

async function write(db: Client, batch: readonly ImportedRow[]): Promise<RankedWrite> {
  const entities = batch.flatMap((each) => (each.row === 'entity' ? [each.entity] : []));
  if (entities.length > 0) return db.ranking.entities(entities);
  const signals = batch.flatMap((each) => (each.row === 'signal' ? [each.signal] : []));
  if (signals.length > 0) return db.ranking.signals(signals);
  const edges = batch.flatMap((each) => (each.row === 'edge' ? [each.edge] : []));
  const outcomes = await Promise.allSettled(edges.map((edge) => db.ranking.relate(edge)));
  const refusals = outcomes.flatMap((outcome, index) => {
    if (outcome.status === 'fulfilled') return [];
    const { reason } = outcome as { reason: unknown };
    if (!(reason instanceof TruthError)) throw reason;
    return [{ index, code: reason.code, message: reason.message }];
  });
  const accepted = edges.length - refusals.length;
  return {
    ...{
      answer: 'written',
      accepted,
      duplicates: 0,
      unchanged: 0,
      refused: refusals.length,
      refusals,
      position: 0,
    },
  };
}

class Report {
  readonly #startedAt = performance.now();
  readonly #counts = { entity: 0, signal: 0, edge: 0 };
  readonly #refusals: string[] = [];
  #duplicates = 0;
  #unchanged = 0;
  refused = 0;
  /** The first line that is not written. */
  next = 1;

  /** `written` null: nothing was, only read. */
  wrote(batch: readonly ImportedRow[], written: RankedWrite | null): void {
    const [first] = batch as [ImportedRow];
    this.#counts[first.row] += batch.length;
    this.next = (batch.at(-1)?.line ?? 0) + 1;
    if (written === null) return;
    this.#duplicates += written.duplicates;
    this.#unchanged += written.unchanged;
    this.refused += written.refused;
    for (const { index, code, message } of written.refusals) {
      if (this.#refusals.length < REFUSALS_SHOWN)
        this.#refusals.push(`line ${batch[index]?.line}: ${code}: ${message}`);
    }
  }

  line(): string {
    const { entity, signal, edge } = this.#counts;
    const rate = (entity + signal + edge) / ((performance.now() - this.#startedAt) / 1000);
    return `${entity} entities, ${signal} signals, ${edge} relationships, ${this.refused} refused, ${Math.round(rate)} lines/s`;
  }

  async print(terminal: Terminal, dry: boolean): Promise<void> {
    const { entity, signal, edge } = this.#counts;
    const counts = {
      ...{ entities: entity, signals: signal, relationships: edge, known: this.#duplicates },
      ...{ unchanged: this.#unchanged, refused: this.refused },
    };
    if (terminal.json) {
      await terminal.out(JSON.stringify({ ...counts, dryRun: dry, refusals: this.#refusals }));
      return;
    }
    const parts = Object.entries(counts).map(([what, count]) => `${count} ${what}`);
    await terminal.out(`${dry ? 'would import' : 'imported'} ${parts.join(', ')}`);
    for (const each of this.#refusals) await terminal.out(`  ${each}`);
  }
}
