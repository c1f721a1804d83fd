/** Lines of a file as entities, signals and edges: JSON of our own, or other JSON and tables with a mapping. */
import { z } from 'zod';
import type { NewEdge, NewEntity, NewSignal, RankingValue } from '../client/index.ts';
import { TruthError } from '../errors.ts';
import { fieldsOf, type Mapping, mappedContent } from './rank-mapping.ts';
import { defined, type ImportedRow, jsonOf, type RowContent, type RowPlace } from './rank-row.ts';
import { cellsOf, recordsOf } from './table-text.ts';

const value: z.ZodType<RankingValue> = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.null(),
  z.array(z.string()),
  z.array(z.number()),
]);
const time = z.union([z.int().min(0), z.iso.datetime({ offset: true })]);

const entityRow = z.strictObject({
  entity: z.string(),
  key: z.string(),
  set: z.record(z.string(), value).optional(),
  state: z.string().optional(),
  at: z.union([z.int(), z.iso.datetime({ offset: true })]).optional(),
});
const deletedRow = z.strictObject({ entity: z.string(), key: z.string(), delete: z.literal(true) });
const signalRow = z.strictObject({
  signal: z.string(),
  target: z.string(),
  user: z.string().optional(),
  weight: z.number().optional(),
  at: time.optional(),
  id: z.string().optional(),
});
const edgeRow = z.strictObject({
  relate: z.string(),
  from: z.string(),
  to: z.string(),
  weight: z.number().nullable().optional(),
  at: time.optional(),
});
const defineRow = z.strictObject({ define: z.string() });
/** By the field that only they have. */
const ROWS = {
  delete: deletedRow,
  entity: entityRow,
  signal: signalRow,
  relate: edgeRow,
  define: defineRow,
} as const;

export interface RowOptions {
  readonly source: string;
  readonly mapping: Mapping | null;
  /** Number of the first line that is wanted, from 1. */
  readonly from: number;
}

/** What cannot be read is a row too, so that whoever asks decides whether to go on. Errors: INVALID_ARGUMENT for a table's first line. */
export async function* rowsOf(
  lines: AsyncIterable<string>,
  options: RowOptions,
): AsyncGenerator<ImportedRow> {
  const { source, mapping, from } = options;
  const delimiter = mapping?.delimiter ?? null;
  const hasQuotes = delimiter !== null && (mapping?.quotes ?? delimiter.length === 1);
  const cells = (text: string, where: string): string[] | null =>
    delimiter === null ? null : cellsOf(text, delimiter, hasQuotes, where);
  let columns = mapping?.columns ?? null;
  for await (const { line, end, text } of recordsOf(lines, hasQuotes ? delimiter : null)) {
    const where = `line ${line} of ${source}`;
    if (delimiter !== null && columns === null) {
      // Tools that mark UTF-8 by its first bytes mean nothing by them.
      columns = cells(line === 1 ? text.replace(/^\ufeff/, '') : text, where);
      continue;
    }
    if (line < from || text.trim() === '') continue;
    const place = { where, id: `${source}:${line}` };
    const read = (): RowContent =>
      mapping === null
        ? ownContent(text, place)
        : mappedContent(fieldsOf(cells(text, where) ?? text, columns, where), mapping, place);
    yield { line, end, ...contentOrProblem(read) };
  }
}

function contentOrProblem(
  read: () => RowContent,
): RowContent | { readonly row: 'problem'; readonly problem: TruthError } {
  try {
    return read();
  } catch (error) {
    if (error instanceof TruthError) return { row: 'problem', problem: error };
    throw error;
  }
}

function ownContent(text: string, { where, id: ownId }: RowPlace): RowContent {
  const given = jsonOf(text, where);
  const fields: object = typeof given === 'object' && given !== null ? given : {};
  const [, schema] = Object.entries(ROWS).find(([field]) => Object.hasOwn(fields, field)) ?? [];
  if (schema === undefined) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `${where} is no object with one of entity, signal, relate, define; say with --map what its fields mean`,
    );
  }
  const parsed = schema.safeParse(given);
  if (!parsed.success) throw new TruthError('INVALID_ARGUMENT', `${where}: ${z.prettifyError(parsed.error)}`);
  const { data } = parsed;
  if ('define' in data) return { row: 'define', statement: data.define };
  if ('delete' in data) return { row: 'entity', entity: { kind: data.entity, key: data.key, delete: true } };
  if ('entity' in data) {
    const { entity: kind, at, ...rest } = data;
    return { row: 'entity', entity: { kind, ...defined(rest), ...timed(at) } as NewEntity };
  }
  if ('relate' in data) {
    const { relate: relationship, at, ...rest } = data;
    return { row: 'edge', edge: { relationship, ...defined(rest), ...timed(at) } as NewEdge };
  }
  const { at, ...rest } = data;
  const id = data.id ?? (at === undefined ? ownId : undefined);
  return { row: 'signal', signal: { ...defined(rest), ...timed(at), ...defined({ id }) } as NewSignal };
}

function timed(at: number | string | undefined): { readonly at?: number } {
  return at === undefined ? {} : { at: typeof at === 'number' ? at : Date.parse(at) * 1000 };
}
