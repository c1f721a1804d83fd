/** Names of types to SqlTypes. */
import type { SqlType } from '../types/sql-type.ts';
import type { Context } from './context.ts';
import type { Tree } from './tree.ts';

/** Errors: INVALID_ARGUMENT: 0A000 for types PostgreSQL has and we have not, 42704 for others, 22023 for impossible sizes. */
export function sqlType(context: Context, tree: Tree): SqlType {
  const names = tree.names('names');
  const modifiers = tree.list('typmods');
  tree.ignore('typemod');
  context.finish(tree);
  const name = typeName(context, tree, names);
  const sizes = modifiers.map((modifier) => size(context, modifier));
  switch (name) {
    case 'decimal':
      return decimal(context, tree, sizes);
    case 'varchar':
      return { kind: 'text', lengthMax: length(context, tree, sizes) };
    case 'timestamp':
      if (sizes.length > 0 && sizes[0] !== MICROSECONDS) {
        throw context.notSupported(tree, `TIMESTAMP(${sizes[0]})`, 'a TIMESTAMP always has microseconds');
      }
      return { kind: 'timestamp' };
    default:
      if (sizes.length > 0) throw context.invalid(tree, `type ${name} takes no size in parentheses`, '42601');
      return name === 'text' ? { kind: 'text', lengthMax: null } : { kind: name };
  }
}

const MICROSECONDS = 6;
const PRECISION_MAX = 1000;
const LENGTH_MAX = 10_485_760;

type Named = SqlType['kind'] | 'varchar';

const NAMES: Readonly<Record<string, Named>> = {
  int4: 'integer',
  int8: 'bigint',
  float8: 'double',
  double: 'double',
  numeric: 'decimal',
  text: 'text',
  string: 'text',
  varchar: 'varchar',
  bool: 'boolean',
  timestamp: 'timestamp',
  bytea: 'bytes',
  bytes: 'bytes',
  json: 'json',
  jsonb: 'json',
  uuid: 'uuid',
};

/** Types people write that are not there, and what to write. */
const INSTEAD: Readonly<Record<string, string>> = {
  int2: 'use INTEGER',
  float4: 'use DOUBLE PRECISION',
  money: 'use DECIMAL(p, s)',
  bpchar: 'use VARCHAR(n)',
  char: 'use VARCHAR(n)',
  name: 'use TEXT',
  citext: 'use TEXT',
  xml: 'use TEXT',
  bit: 'use BYTES',
  varbit: 'use BYTES',
  blob: 'use BYTES',
  date: 'use TIMESTAMP',
  time: 'use TIMESTAMP, or TEXT',
  timetz: 'use TIMESTAMP in UTC',
  timestamptz: 'use TIMESTAMP: it is in UTC',
  datetime: 'use TIMESTAMP',
  interval: 'use a number of seconds',
  serial: 'use INTEGER and give the number in the INSERT, or UUID',
  serial4: 'use INTEGER and give the number in the INSERT, or UUID',
  bigserial: 'use BIGINT and give the number in the INSERT, or UUID',
  serial8: 'use BIGINT and give the number in the INSERT, or UUID',
  smallserial: 'use INTEGER and give the number in the INSERT, or UUID',
  inet: 'use TEXT',
  cidr: 'use TEXT',
  macaddr: 'use TEXT',
  point: 'use two columns of DOUBLE PRECISION',
  tsvector: 'use TEXT',
  tsquery: 'use TEXT',
  jsonpath: 'use TEXT',
  oid: 'use INTEGER',
  regclass: 'use TEXT',
  regtype: 'use TEXT',
  regproc: 'use TEXT',
};

/** What people write, where PostgreSQL keeps a type under another name. */
const WRITTEN: Readonly<Record<string, string>> = {
  int2: 'SMALLINT',
  float4: 'REAL',
  bpchar: 'CHAR',
  timetz: 'TIME WITH TIME ZONE',
  timestamptz: 'TIMESTAMP WITH TIME ZONE',
  varbit: 'BIT VARYING',
};

function typeName(context: Context, tree: Tree, names: readonly string[]): Named {
  const [first = '', second] = names;
  const name = second === undefined ? first : second;
  const known =
    names.length <= 2 && (second === undefined || first === 'pg_catalog') ? NAMES[name] : undefined;
  if (known !== undefined && Object.hasOwn(NAMES, name)) return known;
  const instead = Object.hasOwn(INSTEAD, name) ? INSTEAD[name] : undefined;
  if (instead !== undefined) {
    throw context.notSupported(tree, `type ${WRITTEN[name] ?? name.toUpperCase()}`, instead);
  }
  throw context.invalid(
    tree,
    `there is no type "${names.join('.')}"; there are INTEGER, BIGINT, DOUBLE PRECISION, DECIMAL, TEXT, VARCHAR(n), BOOLEAN, TIMESTAMP, BYTES, JSON and UUID`,
    '42704',
  );
}

function size(context: Context, modifier: Tree): number {
  const value =
    modifier.tag === 'A_Const' && modifier.has('ival') ? modifier.childOf('ival', 'Integer') : null;
  if (value === null) throw context.invalid(modifier, 'the size of a type is a whole number', '42601');
  return value.number('ival');
}

function decimal(context: Context, tree: Tree, sizes: readonly number[]): SqlType {
  const [precision = null, scale = 0] = sizes;
  if (precision === null) return { kind: 'decimal', precision: null, scale: null };
  if (sizes.length > 2) throw context.invalid(tree, 'DECIMAL takes a precision and a scale', '22023');
  if (precision < 1 || precision > PRECISION_MAX) {
    throw context.invalid(
      tree,
      `DECIMAL precision ${precision} is not between 1 and ${PRECISION_MAX}`,
      '22023',
    );
  }
  if (scale < 0 || scale > precision) {
    throw context.invalid(
      tree,
      `DECIMAL scale ${scale} is not between 0 and the precision ${precision}`,
      '22023',
    );
  }
  return { kind: 'decimal', precision, scale };
}

function length(context: Context, tree: Tree, sizes: readonly number[]): number | null {
  const [lengthMax = null] = sizes;
  if (lengthMax === null) return null;
  if (sizes.length > 1 || lengthMax < 1 || lengthMax > LENGTH_MAX) {
    throw context.invalid(tree, `the length of VARCHAR is not between 1 and ${LENGTH_MAX}`, '22023');
  }
  return lengthMax;
}
