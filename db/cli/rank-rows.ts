/** Lines of a file as entities, signals and edges: JSON of our own, or other JSON and tables with a mapping. */
import { z } from 'zod';
import type { NewEdge, NewEntity, NewSignal, RankingValue } from '../client/index.ts';
import { TruthError } from '../errors.ts';

export type ImportedRow =
  | { readonly row: 'entity'; readonly line: number; readonly entity: NewEntity }
  | { readonly row: 'signal'; readonly line: number; readonly signal: NewSignal }
  | { readonly row: 'edge'; readonly line: number; readonly edge: NewEdge };

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
  at: time.optional(),
});
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
  weight: z.number().optional(),
});
/** By the field that only they have. */
const ROWS = { entity: entityRow, signal: signalRow, relate: edgeRow } as const;

const UNIT_MICROS = { s: 1_000_000, ms: 1_000, us: 1 } as const;

/** Names on the right are columns of the table, or fields of the JSON. */
const mappingSchema = z.strictObject({
  /** How columns are parted; a line of JSON without it. */
  delimiter: z.string().min(1).optional(),
  /** Their names; the first line has them where this is not there. */
  columns: z.array(z.string()).optional(),
  /** What times are counted in. */
  timeUnit: z.enum(['s', 'ms', 'us']).default('s'),
  entity: z
    .strictObject({
      kind: z.string(),
      key: z.string(),
      set: z
        .record(
          z.string(),
          z.union([
            z.string(),
            z.strictObject({
              column: z.string(),
              as: z.enum(['number', 'text', 'list', 'time']),
              split: z.string().optional(),
            }),
          ]),
        )
        .default({}),
      at: z.string().optional(),
    })
    .optional(),
  signal: z
    .strictObject({
      signal: z.string(),
      target: z.string(),
      user: z.string().optional(),
      weight: z.string().optional(),
      at: z.string().optional(),
    })
    .optional(),
  edge: z
    .strictObject({
      relationship: z.string(),
      from: z.string(),
      to: z.string(),
      weight: z.string().optional(),
    })
    .optional(),
});

export type Mapping = z.infer<typeof mappingSchema>;

/** Errors: INVALID_ARGUMENT. */
export function readMapping(text: string, name: string): Mapping {
  const parsed = mappingSchema.safeParse(jsonOf(text, name));
  if (!parsed.success)
    throw new TruthError('INVALID_ARGUMENT', `${name} is no mapping: ${z.prettifyError(parsed.error)}`);
  const { entity, signal, edge } = parsed.data;
  if ([entity, signal, edge].filter((each) => each !== undefined).length === 1) return parsed.data;
  throw new TruthError('INVALID_ARGUMENT', `${name} maps to one of entity, signal and edge; say which`);
}

export interface RowOptions {
  readonly source: string;
  readonly mapping: Mapping | null;
  /** Number of the first line that is wanted, from 1. */
  readonly from: number;
}

/** Errors: INVALID_ARGUMENT naming the line. */
export async function* rowsOf(
  lines: AsyncIterable<string>,
  options: RowOptions,
): AsyncGenerator<ImportedRow> {
  const { source, mapping, from } = options;
  let columns = mapping?.columns ?? null;
  let line = 0;
  for await (const whole of lines) {
    line += 1;
    const text = whole.endsWith('\r') ? whole.slice(0, -1) : whole;
    const where = `line ${line} of ${source}`;
    if (mapping?.delimiter !== undefined && columns === null) {
      columns = cellsOf(text, mapping.delimiter);
      continue;
    }
    if (line < from || text.trim() === '') continue;
    yield mapping === null
      ? ownRow(text, line, where, source)
      : mappedRow(fieldsOf(text, mapping, columns, where), mapping, line, where, source);
  }
}

function ownRow(text: string, line: number, where: string, source: string): ImportedRow {
  const given = jsonOf(text, where);
  const fields: object = typeof given === 'object' && given !== null ? given : {};
  const [, schema] = Object.entries(ROWS).find(([field]) => Object.hasOwn(fields, field)) ?? [];
  if (schema === undefined) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `${where} is no object with one of ${Object.keys(ROWS).join(', ')}; say with --map what its fields mean`,
    );
  }
  const parsed = schema.safeParse(given);
  if (!parsed.success) throw new TruthError('INVALID_ARGUMENT', `${where}: ${z.prettifyError(parsed.error)}`);
  const { data } = parsed;
  if ('entity' in data) {
    const { entity: kind, at, ...rest } = data;
    return { row: 'entity', line, entity: { kind, ...defined(rest), ...timed(at) } as NewEntity };
  }
  if ('relate' in data) {
    const { relate: relationship, ...rest } = data;
    return { row: 'edge', line, edge: { relationship, ...defined(rest) } as NewEdge };
  }
  const { at, ...rest } = data;
  const id = data.id ?? (at === undefined ? `${source}:${line}` : undefined);
  return { row: 'signal', line, signal: { ...defined(rest), ...timed(at), ...defined({ id }) } as NewSignal };
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(
  text: string,
  { delimiter }: Mapping,
  columns: readonly string[] | null,
  where: string,
): Fields {
  if (delimiter === undefined) {
    const parsed = jsonOf(text, where);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Fields;
    throw new TruthError('INVALID_ARGUMENT', `${where} is no JSON object`);
  }
  const cells = cellsOf(text, delimiter);
  const names = columns ?? [];
  if (cells.length < names.length) {
    throw new TruthError('INVALID_ARGUMENT', `${where} has ${cells.length} columns of ${names.length}`);
  }
  return Object.fromEntries(names.map((name, index) => [name, cells[index]]));
}

/** A table's line; a cell may stand in quotes, and a quote within is doubled (RFC 4180). */
function cellsOf(text: string, delimiter: string): string[] {
  if (!text.includes('"')) return text.split(delimiter);
  const cells: string[] = [];
  for (let at = 0; at <= text.length; ) {
    if (text[at] !== '"') {
      const end = text.indexOf(delimiter, at);
      cells.push(end === -1 ? text.slice(at) : text.slice(at, end));
      at = end === -1 ? text.length + 1 : end + delimiter.length;
      continue;
    }
    let end = text.indexOf('"', at + 1);
    while (end !== -1 && text[end + 1] === '"') end = text.indexOf('"', end + 2);
    const last = end === -1 ? text.length : end;
    cells.push(text.slice(at + 1, last).replaceAll('""', '"'));
    const next = text.indexOf(delimiter, last);
    at = next === -1 ? text.length + 1 : next + delimiter.length;
  }
  return cells;
}

function mappedRow(
  fields: Fields,
  mapping: Mapping,
  line: number,
  where: string,
  source: string,
): ImportedRow {
  const text = (column: string): string => textField(fields, column, where);
  const number = (column: string | undefined): number | undefined =>
    column === undefined ? undefined : numberField(fields, column, where);
  const at = (column: string | undefined): number | undefined => {
    const given = number(column);
    return given === undefined ? undefined : Math.round(given * UNIT_MICROS[mapping.timeUnit]);
  };
  const { entity, signal, edge } = mapping;
  if (signal !== undefined) {
    const user = signal.user === undefined ? undefined : text(signal.user);
    const rest = defined({ user, weight: number(signal.weight), at: at(signal.at), id: `${source}:${line}` });
    return { row: 'signal', line, signal: { signal: signal.signal, target: text(signal.target), ...rest } };
  }
  if (edge !== undefined) {
    const { relationship, from, to, weight } = edge;
    return {
      row: 'edge',
      line,
      edge: { relationship, from: text(from), to: text(to), ...defined({ weight: number(weight) }) },
    };
  }
  const { kind, key, set, at: created } = entity!;
  const values: Record<string, RankingValue> = {};
  for (const [name, from] of Object.entries(set)) values[name] = mappedValue(fields, from, mapping, where);
  return {
    row: 'entity',
    line,
    entity: { kind, key: text(key), set: values, ...defined({ at: at(created) }) },
  };
}

type MappedFrom = NonNullable<Mapping['entity']>['set'][string];

function mappedValue(fields: Fields, from: MappedFrom, { timeUnit }: Mapping, where: string): RankingValue {
  if (typeof from === 'string') {
    const given = fields[from];
    return given === undefined || given === '' ? null : (given as RankingValue);
  }
  const { column, as, split } = from;
  if (fields[column] === undefined || fields[column] === null || fields[column] === '') return null;
  switch (as) {
    case 'text':
      return textField(fields, column, where);
    case 'number':
      return numberField(fields, column, where);
    case 'time':
      return Math.round(numberField(fields, column, where) * UNIT_MICROS[timeUnit]);
    case 'list':
      return textField(fields, column, where).split(split ?? '|');
  }
}

function textField(fields: Fields, column: string, where: string): string {
  const given = fields[column];
  if (typeof given === 'string') return given;
  if (typeof given === 'number') return String(given);
  throw missing(column, fields, where);
}

function numberField(fields: Fields, column: string, where: string): number {
  const given = fields[column];
  const number = typeof given === 'string' && given.trim() !== '' ? Number(given) : given;
  if (typeof number === 'number' && Number.isFinite(number)) return number;
  if (given === undefined) throw missing(column, fields, where);
  throw new TruthError('INVALID_ARGUMENT', `${where}: "${column}" is ${JSON.stringify(given)}, no number`);
}

function missing(column: string, fields: Fields, where: string): TruthError {
  const known = Object.keys(fields).slice(0, 20).join(', ');
  return new TruthError('INVALID_ARGUMENT', `${where} has no "${column}"; there are ${known}`);
}

function jsonOf(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `${where} is no JSON: ${(cause as Error).message}`,
      {},
      { cause },
    );
  }
}

function timed(at: number | string | undefined): { readonly at?: number } {
  return at === undefined ? {} : { at: typeof at === 'number' ? at : Date.parse(at) * 1000 };
}

function defined<T extends object>(of: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(of).filter(([, each]) => each !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
