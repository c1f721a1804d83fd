/** What the columns of a table, or the fields of other JSON, mean as entities, signals and relationships. */
import { z } from 'zod';
import type { RankingValue } from '../client/index.ts';
import { TruthError } from '../errors.ts';
import { defined, jsonOf, type RowContent, type RowPlace } from './rank-row.ts';

const UNIT_MICROS = { s: 1_000_000, ms: 1_000, us: 1 } as const;

/** Names on the right are columns of the table, or fields of the JSON. */
const mappingSchema = z.strictObject({
  /** How columns are parted; a line of JSON without it. */
  delimiter: z.string().min(1).optional(),
  /** Whether cells may stand in quotes; by itself where the delimiter is one character. */
  quotes: z.boolean().optional(),
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
              as: z.enum(['number', 'text', 'list', 'time', 'json']),
              split: z.string().optional(),
            }),
          ]),
        )
        .default({}),
      state: z.string().optional(),
      at: z.string().optional(),
      /** Not empty: the entity was deleted. */
      deleted: z.string().optional(),
    })
    .optional(),
  signal: z
    .strictObject({
      signal: z.string(),
      target: z.string(),
      user: z.string().optional(),
      weight: z.string().optional(),
      at: z.string().optional(),
      id: z.string().optional(),
    })
    .optional(),
  edge: z
    .strictObject({
      relationship: z.string(),
      from: z.string(),
      to: z.string(),
      weight: z.string().optional(),
      at: z.string().optional(),
      /** Not empty: the edge was taken away. */
      deleted: z.string().optional(),
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

type Fields = Readonly<Record<string, unknown>>;

/** A record by its column names: cells, or the text of a JSON object. Errors: INVALID_ARGUMENT. */
export function fieldsOf(
  record: string | readonly string[],
  columns: readonly string[] | null,
  where: string,
): Fields {
  if (typeof record === 'string') {
    const parsed = jsonOf(record, where);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Fields;
    throw new TruthError('INVALID_ARGUMENT', `${where} is no JSON object`);
  }
  const names = columns ?? [];
  if (record.length < names.length)
    throw new TruthError('INVALID_ARGUMENT', `${where} has ${record.length} columns of ${names.length}`);
  return Object.fromEntries(names.map((name, index) => [name, record[index]]));
}

/** Errors: INVALID_ARGUMENT. */
export function mappedContent(fields: Fields, mapping: Mapping, { where, id: ownId }: RowPlace): RowContent {
  const text = (column: string): string => textField(fields, column, where);
  /** Undefined: no column is named, or nothing is in it. */
  const given = (column: string | undefined): string | undefined =>
    column === undefined || fields[column] === '' || fields[column] === null ? undefined : text(column);
  const at = (column: string | undefined): number | undefined => {
    if (column === undefined) return undefined;
    return Math.round(numberField(fields, column, where) * UNIT_MICROS[mapping.timeUnit]);
  };
  const { entity, signal, edge } = mapping;
  if (signal !== undefined) {
    const user = given(signal.user);
    const weight = signal.weight === undefined ? undefined : numberField(fields, signal.weight, where);
    const id = signal.id === undefined ? ownId : given(signal.id);
    const rest = defined({ user, weight, at: at(signal.at), id });
    return { row: 'signal', signal: { signal: signal.signal, target: text(signal.target), ...rest } };
  }
  if (edge !== undefined) {
    const { relationship, from, to, weight } = edge;
    const numbered = (column: string | undefined): number | undefined =>
      given(column) === undefined ? undefined : numberField(fields, column!, where);
    const isGone = given(edge.deleted) !== undefined;
    const rest = defined({ weight: isGone ? null : numbered(weight), at: at(edge.at) });
    return { row: 'edge', edge: { relationship, from: text(from), to: text(to), ...rest } };
  }
  const { kind, key, set, state, at: created, deleted } = entity!;
  if (given(deleted) !== undefined) return { row: 'entity', entity: { kind, key: text(key), delete: true } };
  const values: Record<string, RankingValue> = {};
  for (const [name, from] of Object.entries(set)) values[name] = mappedValue(fields, from, mapping, where);
  const rest = defined({ state: given(state), at: at(created) });
  return { row: 'entity', entity: { kind, key: text(key), set: values, ...rest } };
}

type MappedFrom = NonNullable<Mapping['entity']>['set'][string];

function mappedValue(fields: Fields, from: MappedFrom, { timeUnit }: Mapping, where: string): RankingValue {
  if (typeof from === 'string') {
    const given = fields[from];
    return isEmpty(given) ? null : (given as RankingValue);
  }
  const { column, as, split } = from;
  if (isEmpty(fields[column])) return null;
  switch (as) {
    case 'text':
      return textField(fields, column, where);
    case 'number':
      return numberField(fields, column, where);
    case 'time':
      return Math.round(numberField(fields, column, where) * UNIT_MICROS[timeUnit]);
    case 'list':
      return textField(fields, column, where).split(split ?? '|');
    case 'json':
      return jsonOf(textField(fields, column, where), `${where}, ${column},`) as RankingValue;
  }
}

function isEmpty(given: unknown): boolean {
  return given === undefined || given === null || given === '';
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
