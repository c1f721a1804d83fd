/** What `truthdb rank export` does: by itself, because most commands need nothing of it. */
import { writeFileSync } from 'node:fs';
import { type ExportedRow, RankingExport, schemaBehind } from '../engine.ts';
import { named, unknownName } from '../ranking/schema/index.ts';
import type { Sequence } from '../types.ts';
import { type Arguments, type Command, misused, type Terminal } from './command.ts';
import { type OpenedPass, openPass } from './opened-pass.ts';
import { openOutput } from './output.ts';
import { type ExportedTable, edgeTable, entityTable, exportedLine, signalTable } from './rank-tables.ts';
import { recordText } from './table-text.ts';

const MEMORY_MEBIBYTES = 8192;
/** Of commands that a person has stopped: 128 and the number of SIGINT. */
const INTERRUPTED = 130;

const SORTS = {
  schema: 'define',
  entities: 'entity',
  signals: 'signal',
  relationships: 'edge',
} as const satisfies Record<string, ExportedRow['row']>;
type Sort = keyof typeof SORTS;

export async function runRankExport(command: Command, args: Arguments, terminal: Terminal): Promise<number> {
  const wanted = readWanted(command, args);
  const opened = openPass(command, MEMORY_MEBIBYTES, args, terminal);
  try {
    return await exportRows(wanted, opened, args, terminal);
  } finally {
    opened.close();
  }
}

interface Wanted {
  /** Null: all. */
  readonly sort: Sort | null;
  readonly of: string | null;
  readonly isTable: boolean;
  readonly map: string | undefined;
}

function readWanted(command: Command, args: Arguments): Wanted {
  const given = args.text('kind');
  const sort = (Object.keys(SORTS) as Sort[]).find((each) => each === given) ?? null;
  if (given !== undefined && sort === null)
    throw misused(command, `--kind is "${given}"; there are ${Object.keys(SORTS).join(', ')}`);
  const of = args.text('of') ?? null;
  const format = args.text('format') ?? 'jsonl';
  if (format !== 'jsonl' && format !== 'csv')
    throw misused(command, `--format is "${format}"; there are jsonl and csv`);
  const isTable = format === 'csv';
  const map = args.text('map');
  if (isTable && (sort === null || sort === 'schema' || of === null))
    throw misused(
      command,
      'a table is of one sort: give --kind entities, signals or relationships, and --of NAME',
    );
  if (!isTable && map !== undefined) throw misused(command, '--map is of tables; JSON lines need none');
  return { sort, of, isTable, map };
}

async function exportRows(
  wanted: Wanted,
  { pass }: OpenedPass,
  args: Arguments,
  terminal: Terminal,
): Promise<number> {
  const { sort, of, isTable, map } = wanted;
  const last = args.number('to', 1) ?? pass.until;
  const until = Math.min(last, pass.until) as Sequence;
  const table = isTable ? await tableOf(wanted, { ...pass, until }) : null;
  if (table !== null && map !== undefined) writeFileSync(map, `${JSON.stringify(table.mapping, null, 2)}\n`);
  const rows = new RankingExport({
    ...{ ...pass, until, of, whole: isTable, from: args.number('from', 1) ?? 1 },
    rows: new Set(sort === null ? Object.values(SORTS) : [SORTS[sort]]),
    progress: (line) => terminal.progress(line),
  });
  const output = openOutput(args.text('out'), terminal);
  try {
    if (table !== null) await output.line(recordText(table.columns));
    for await (const row of rows.rows())
      await output.line(table === null ? exportedLine(row) : recordText(table.cells(row)));
    await output.finish();
  } catch (error) {
    await output.discard();
    throw error;
  }
  return say(rows, output.lines, terminal);
}

function say(rows: RankingExport, lines: number, terminal: Terminal): number {
  const { position, lost, complete } = rows;
  if (lost > 0)
    terminal.say(`${lost} rows were left out: the entries of what they are about were erased, or are gone`);
  const ended = complete ? '' : ', interrupted';
  terminal.say(
    `${lines} lines, up to position ${position}${ended}; what comes later: --from ${position + 1}`,
  );
  return complete ? 0 : INTERRUPTED;
}

async function tableOf({ sort, of }: Wanted, pass: OpenedPass['pass']): Promise<ExportedTable> {
  const { kinds, signals, relationships } = await schemaBehind(pass);
  const things = sort === 'entities' ? kinds : sort === 'signals' ? signals : relationships;
  const names = things.map(({ name }) => name);
  const name = of ?? '';
  if (!names.includes(name)) throw unknownName('--of', String(sort), name, names);
  const kind = named(kinds, name);
  if (sort === 'entities' && kind !== null) return entityTable(kind);
  return sort === 'signals' ? signalTable(name) : edgeTable(name);
}
