/**
 * Random tables, rows and queries in the SQL that TruthDB and PostgreSQL have in common. Everything follows from a seed, so
 * a failure can be run again.
 */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to below 1: mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }
}

/** The columns every random table has beside its key, by the kind of expressions they take part in. */
const COLUMNS = {
  integer: ['id', 'a'],
  bigint: ['b'],
  text: ['c'],
  decimal: ['d'],
  double: ['e'],
  boolean: ['f'],
  timestamp: ['g'],
} as const;
type Kind = keyof typeof COLUMNS;
const KINDS = Object.keys(COLUMNS) as Kind[];
const NUMBERS: readonly Kind[] = ['integer', 'bigint', 'decimal', 'double'];

export const COLUMN_NAMES = ['id', 'a', 'b', 'c', 'd', 'e', 'f', 'g'] as const;
const DEFINITIONS =
  'a integer, b bigint, c text, d decimal(12, 2), e double precision, f boolean, g timestamp';

/** A table to be filled, and the indexes on it. */
export interface RandomTable {
  readonly name: string;
  readonly create: readonly string[];
  /** Ways into it, as the planner can be forced to take them. */
  readonly ways: readonly string[];
}

/** Tables that differ in their keys and indexes, not in their columns. */
export const RANDOM_TABLES: readonly RandomTable[] = [
  {
    name: 'by_id',
    create: [
      `CREATE TABLE by_id (id integer PRIMARY KEY, ${DEFINITIONS})`,
      'CREATE INDEX by_id_a ON by_id (a)',
      'CREATE INDEX by_id_c_a ON by_id (c, a)',
      'CREATE INDEX by_id_d ON by_id (d)',
      'CREATE INDEX by_id_g_f ON by_id (g, f)',
    ],
    ways: ['primary key', 'by_id_a', 'by_id_c_a', 'by_id_d', 'by_id_g_f', 'full scan'],
  },
  {
    name: 'by_pair',
    create: [
      `CREATE TABLE by_pair (id integer NOT NULL, ${DEFINITIONS}, PRIMARY KEY (f, id))`,
      'CREATE UNIQUE INDEX by_pair_id ON by_pair (id)',
      'CREATE INDEX by_pair_b ON by_pair (b)',
      'CREATE INDEX by_pair_e_c ON by_pair (e, c)',
    ],
    ways: ['primary key', 'by_pair_id', 'by_pair_b', 'by_pair_e_c', 'full scan'],
  },
  {
    name: 'by_nothing',
    create: [
      `CREATE TABLE by_nothing (id integer NOT NULL, ${DEFINITIONS})`,
      'CREATE UNIQUE INDEX by_nothing_a_c_id ON by_nothing (a, c, id)',
    ],
    ways: ['primary key', 'by_nothing_a_c_id', 'full scan'],
  },
];

const TEXTS = ['', 'a', 'ab', 'abc', 'b', 'B', 'ba', 'äö', 'z%', 'a_c', '😀', 'zz'];
const TIMES = ['2024-01-01 00:00:00', '2024-01-01 12:30:00.5', '2024-02-29 23:59:59', '1999-12-31 00:00:00'];

/** A row's values as SQL, `id` first. */
export function randomRow(dice: Dice, id: number, table: string): string {
  const values = [id, ...KINDS.slice(0, 1), ...KINDS.slice(1)].map((kind, index) => {
    if (index === 0) return String(kind);
    // A column of a primary key.
    const never = table === 'by_pair' && kind === 'boolean';
    return !never && dice.chance(0.2) ? 'NULL' : randomLiteral(dice, kind as Kind);
  });
  return `(${values.join(', ')})`;
}

function randomLiteral(dice: Dice, kind: Kind): string {
  switch (kind) {
    case 'integer':
      return String(dice.below(21) - 10);
    case 'bigint':
      return dice.chance(0.1) ? '9007199254740993' : String(dice.below(9) - 4);
    case 'text':
      return `'${dice.pick(TEXTS)}'`;
    case 'decimal':
      return (dice.below(401) / 100 - 2).toFixed(dice.below(3));
    case 'double':
      return dice.pick(['0.5', '-1.25', '3', '1e10', '0', '-0.1', '2.5e-3']);
    case 'boolean':
      return dice.pick(['true', 'false']);
    case 'timestamp':
      return `'${dice.pick(TIMES)}'`;
  }
}

/** A query over one of the tables, with an order that leaves nothing open wherever it has one. */
export function randomSelect(dice: Dice, table: string): string {
  const where = dice.chance(0.85) ? ` WHERE ${condition(dice, 3)}` : '';
  if (dice.chance(0.12)) return `SELECT count(*) FROM ${table}${where}`;
  const items = dice.chance(0.3) ? ['*'] : randomItems(dice);
  // Rows come in any order where none is asked for: then nothing may be cut off.
  const ordered = dice.chance(0.75);
  const order = ordered ? ` ORDER BY ${[...randomOrder(dice), 'id'].join(', ')}` : '';
  const limit = ordered && dice.chance(0.6) ? ` LIMIT ${dice.below(12)}` : '';
  const offset = ordered && dice.chance(0.25) ? ` OFFSET ${dice.below(8)}` : '';
  return `SELECT ${items.join(', ')} FROM ${table}${where}${order}${limit}${offset}`;
}

/** Values that occur, each once. Columns only: which of two equal decimals is shown is nobody's promise. */
export function randomDistinct(dice: Dice, table: string): string {
  const items = [...new Set([dice.pick(COLUMN_NAMES.slice(1)), dice.pick(COLUMN_NAMES.slice(1))])];
  const where = dice.chance(0.7) ? ` WHERE ${condition(dice, 2)}` : '';
  const order = dice.chance(0.5) ? ` ORDER BY ${items.map((_, place) => place + 1).join(', ')}` : '';
  const limit = order !== '' && dice.chance(0.5) ? ` LIMIT ${1 + dice.below(4)}` : '';
  return `SELECT DISTINCT ${items.join(', ')} FROM ${table}${where}${order}${limit}`;
}

function randomItems(dice: Dice): string[] {
  return Array.from({ length: 1 + dice.below(4) }, (_, number) => {
    const kind = dice.pick(KINDS);
    return dice.chance(0.6) ? dice.pick(COLUMN_NAMES) : `${value(dice, kind, 2)} AS x${number}`;
  });
}

function randomOrder(dice: Dice): string[] {
  return Array.from({ length: dice.below(3) }, () => {
    const by = dice.chance(0.75) ? dice.pick(COLUMN_NAMES) : value(dice, dice.pick(KINDS), 1, false);
    return `${by}${dice.pick(['', ' ASC', ' DESC', ' DESC NULLS LAST', ' NULLS FIRST', ' DESC'])}`;
  });
}

/** Something true, false or NULL of a row. */
export function condition(dice: Dice, depth: number): string {
  if (depth > 0 && dice.chance(0.4)) {
    const [one, other] = [condition(dice, depth - 1), condition(dice, depth - 1)];
    if (dice.chance(0.2)) return `NOT (${one})`;
    return `(${one}) ${dice.chance(0.7) ? 'AND' : 'OR'} (${other})`;
  }
  const kind = dice.pick(KINDS);
  const operand = dice.chance(0.8) ? dice.pick(COLUMNS[kind]) : value(dice, kind, 1, false);
  switch (dice.below(9)) {
    case 0:
      return `${operand} IS ${dice.pick(['', 'NOT '])}NULL`;
    case 1: {
      const list = Array.from({ length: 1 + dice.below(4) }, () =>
        dice.chance(0.1) ? 'NULL' : randomLiteral(dice, kind),
      );
      return `${operand} ${dice.pick(['', '', 'NOT '])}IN (${list.join(', ')})`;
    }
    case 2:
      return `${operand} ${dice.pick(['', '', 'NOT '])}BETWEEN ${randomLiteral(dice, kind)} AND ${randomLiteral(dice, kind)}`;
    case 3:
      return `c ${dice.pick(['', '', 'NOT '])}${dice.pick(['LIKE', 'LIKE', 'ILIKE'])} '${dice.pick(['a%', '%b', 'ab_', '%', 'z\\%', 'ä%', 'abc', '_', 'B%'])}'`;
    case 4:
      return `${operand} IS ${dice.pick(['', 'NOT '])}DISTINCT FROM ${dice.chance(0.2) ? 'NULL' : value(dice, kind, 1, false)}`;
    case 5:
      return dice.pick(['f', 'NOT f', 'f IS TRUE', 'f IS NOT FALSE', 'f IS UNKNOWN']);
    case 6: {
      // Numbers of different types meet.
      const [left, right] = [dice.pick(NUMBERS), dice.pick(NUMBERS)];
      return `${dice.pick(COLUMNS[left])} ${comparison(dice)} ${value(dice, right, 1)}`;
    }
    default:
      return dice.chance(0.8)
        ? `${operand} ${comparison(dice)} ${randomLiteral(dice, kind)}`
        : `${randomLiteral(dice, kind)} ${comparison(dice)} ${operand}`;
  }
}

function comparison(dice: Dice): string {
  return dice.pick(['=', '=', '<>', '<', '<=', '>', '>=']);
}

/** An expression of a kind. `bare`: it may be a literal by itself, of which nothing says the type. */
function value(dice: Dice, kind: Kind, depth: number, bare = true): string {
  if (depth === 0 || dice.chance(0.3)) {
    const literal = bare && dice.chance(0.4) && kind !== 'timestamp' && kind !== 'text';
    return literal ? randomLiteral(dice, kind) : dice.pick(COLUMNS[kind]);
  }
  const part = (): string => value(dice, kind, depth - 1, false);
  const otherwise = `coalesce(${part()}, ${randomLiteral(dice, kind)})`;
  const either = `CASE WHEN ${condition(dice, 0)} THEN ${part()} ELSE ${part()} END`;
  switch (kind) {
    case 'integer':
      return dice.pick([
        `(${part()} + ${dice.below(9)})`,
        `(${part()} * ${dice.below(4)})`,
        `(${part()} - ${dice.pick(COLUMNS.integer)})`,
        `(${part()} / ${1 + dice.below(4)})`,
        `(${part()} % ${1 + dice.below(4)})`,
        `abs(${part()})`,
        'length(c)',
        `(-${part()})`,
        otherwise,
        either,
      ]);
    case 'bigint':
      return dice.pick([`(${part()} + a)`, `(${part()} / 3)`, `(${part()} % 7)`, otherwise, either]);
    case 'text':
      return dice.pick([
        `(${part()} || 'x')`,
        `(${part()} || ${dice.pick(COLUMNS.text)})`,
        `upper(${part()})`,
        `lower(${part()})`,
        'CAST(a AS text)',
        otherwise,
        either,
      ]);
    case 'decimal':
      return dice.pick([
        `(${part()} + d)`,
        `(${part()} * 1.5)`,
        `(${part()} - a)`,
        `round(${part()}, 1)`,
        `(${part()} / 3)`,
        otherwise,
        either,
      ]);
    case 'double':
      return dice.pick([`(${part()} * 2)`, `(${part()} + a)`, `(-${part()})`, otherwise, either]);
    case 'boolean':
      return dice.pick([`(${condition(dice, 1)})`, otherwise, either]);
    case 'timestamp':
      return dice.pick([otherwise, either]);
  }
}
