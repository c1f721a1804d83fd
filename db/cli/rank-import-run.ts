/** What `truthdb rank import` does: by itself, because most commands need nothing of it. */
import { basename } from 'node:path';
import type { Client, RankedWrite } from '../client/index.ts';
import { TruthError } from '../errors.ts';
import { parse } from '../ranking/retrieve/language/index.ts';
import { type Arguments, type Command, misused, type Terminal } from './command.ts';
import { linesOf } from './import-jsonl.ts';
import { readMapping } from './rank-mapping.ts';
import { ImportReport } from './rank-report.ts';
import type { ImportedRow } from './rank-row.ts';
import { rowsOf } from './rank-rows.ts';
import { connectTo } from './target.ts';
import { filePieces, textFile } from './text-file.ts';

const BATCH = 2_000;
/** So many of a batch that are refused are all named, which a dry run needs to know. */
const BATCH_DRY = 1_000;
const PROGRESS_MILLIS = 500;

export async function runRankImport(command: Command, args: Arguments, terminal: Terminal): Promise<number> {
  const rows = rowsFrom(command, args, terminal);
  const isDry = args.switch('dry-run');
  const report = new ImportReport();
  const db = isDry ? await serverForCheck(args, terminal) : await connectTo(args, terminal);
  const ticker = setInterval(() => terminal.progress(report.line()), PROGRESS_MILLIS);
  const work = new RankingImport({ db, isDry, keepsGoing: isDry || args.switch('keep-going'), report });
  try {
    await work.run(rows, terminal.signal);
  } catch (error) {
    if (error instanceof TruthError && report.next > 1 && !isDry) throw resumable(error, report.next);
    throw error;
  } finally {
    clearInterval(ticker);
    await db?.close();
  }
  await report.print(terminal, isDry ? (work.asks ? 'checked' : 'read') : 'written');
  return report.refused > 0 ? 1 : 0;
}

function rowsFrom(command: Command, args: Arguments, terminal: Terminal): AsyncIterable<ImportedRow> {
  const file = args.positional(0);
  if (file === undefined) throw misused(command, 'give a FILE, or - for standard input');
  const map = args.text('map');
  const mapping = map === undefined ? null : readMapping(textFile(map), map);
  const input = file === '-' ? terminal.stdin() : filePieces(file);
  const source = args.text('source') ?? (file === '-' ? 'stdin' : basename(file));
  return rowsOf(linesOf(input), { source, mapping, from: args.number('from', 1) ?? 1 });
}

/** Null: no server is named or found, and the form of the rows is all that can be looked at. */
async function serverForCheck(args: Arguments, terminal: Terminal): Promise<Client | null> {
  try {
    return await connectTo(args, terminal);
  } catch (error) {
    const isNamed = args.text('url') !== undefined || args.text('socket') !== undefined;
    if (!(error instanceof TruthError) || error.code !== 'CONNECTION' || isNamed) throw error;
    terminal.say('no server is named or found: only the form of the rows is looked at');
    return null;
  }
}

function resumable(error: TruthError, next: number): TruthError {
  const { code, message, details } = error;
  return new TruthError(
    code,
    `${message}; go on with --from ${next}`,
    { ...details, next },
    { cause: error },
  );
}

interface ImportOptions {
  /** Null: nobody is asked. */
  readonly db: Client | null;
  readonly isDry: boolean;
  /** Rows that cannot be read are counted; otherwise the first ends it. */
  readonly keepsGoing: boolean;
  readonly report: ImportReport;
}

class RankingImport {
  readonly #options: ImportOptions;
  #batch: ImportedRow[] = [];
  /** Entities that a dry run would have written by now: signals about them are not refused for the lack of them. */
  readonly #promised = new Set<string>();
  /** The schema of a dry run is not there. */
  #asks: boolean;

  constructor(options: ImportOptions) {
    this.#options = options;
    this.#asks = options.db !== null;
  }

  /** A server said what becomes of the rows. */
  get asks(): boolean {
    return this.#asks;
  }

  /** Rows of one sort that follow each other are one batch, so that a signal finds the item before it. */
  async run(rows: AsyncIterable<ImportedRow>, signal: AbortSignal): Promise<void> {
    const { keepsGoing, report, isDry } = this.#options;
    const most = isDry ? BATCH_DRY : BATCH;
    for await (const row of rows) {
      if (signal.aborted) throw new TruthError('CLOSED', 'interrupted');
      const [first] = this.#batch;
      if (this.#batch.length >= most || (first !== undefined && first.row !== row.row)) await this.#flush();
      if (row.row !== 'problem') this.#batch.push(row);
      else if (keepsGoing) report.problem(row, row.problem);
      else throw row.problem;
    }
    await this.#flush();
  }

  async #flush(): Promise<void> {
    const batch = this.#batch;
    if (batch.length === 0) return;
    this.#batch = [];
    this.#options.report.did(batch, await this.#ask(batch));
  }

  async #ask(batch: readonly ImportedRow[]): Promise<RankedWrite | null> {
    const { db, isDry } = this.#options;
    const [{ row }] = batch as readonly [ImportedRow];
    if (row === 'define' && isDry) {
      for (const each of batch) if (each.row === 'define') parse(each.statement);
      this.#asks = false;
    }
    if (db === null || !this.#asks) return null;
    const answer = await askFor(db, batch, isDry);
    return isDry ? this.#withoutPromised(batch, answer) : answer;
  }

  #withoutPromised(batch: readonly ImportedRow[], answer: RankedWrite): RankedWrite {
    const refusedAt = new Set(answer.refusals.map(({ index }) => index));
    for (const [index, each] of batch.entries())
      if (each.row === 'entity' && !refusedAt.has(index)) this.#promised.add(each.entity.key);
    const refusals = answer.refusals.filter(({ index, code }) => {
      const each = batch[index];
      if (code !== 'NOT_FOUND' || each === undefined) return true;
      if (each.row === 'signal') return !this.#promised.has(each.signal.target);
      return each.row !== 'edge' || !(this.#promised.has(each.edge.from) || this.#promised.has(each.edge.to));
    });
    const forgiven = answer.refusals.length - refusals.length;
    return {
      ...{ ...answer, refusals },
      accepted: answer.accepted + forgiven,
      refused: answer.refused - forgiven,
    };
  }
}

async function askFor(db: Client, batch: readonly ImportedRow[], dryRun: boolean): Promise<RankedWrite> {
  const entities = batch.flatMap((each) => (each.row === 'entity' ? [each.entity] : []));
  if (entities.length > 0) return db.ranking.entities(entities, { dryRun });
  const signals = batch.flatMap((each) => (each.row === 'signal' ? [each.signal] : []));
  if (signals.length > 0) return db.ranking.signals(signals, { dryRun });
  const edges = batch.flatMap((each) => (each.row === 'edge' ? [each.edge] : []));
  if (edges.length > 0) return settled(edges.map((edge) => db.ranking.relate(edge, { dryRun })));
  // One after the other: each stands on those before it, and so does what follows.
  for (const each of batch) if (each.row === 'define') await db.ranking.execute(each.statement);
  return settled([]);
}

async function settled(asked: readonly Promise<RankedWrite>[]): Promise<RankedWrite> {
  const refusals = (await Promise.allSettled(asked)).flatMap((outcome, index) => {
    if (outcome.status === 'fulfilled') return [];
    const { reason } = outcome as { reason: unknown };
    if (!(reason instanceof TruthError) || reason.code === 'CONNECTION') throw reason;
    return [{ index, code: reason.code, message: reason.message }];
  });
  return {
    ...{ answer: 'written', accepted: asked.length - refusals.length, duplicates: 0, unchanged: 0 },
    ...{ refused: refusals.length, refusals, position: 0 },
  };
}
