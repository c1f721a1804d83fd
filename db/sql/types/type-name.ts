import type { SqlType } from './sql-type.ts';

/** As PostgreSQL prints it: in messages, in `\d`, in information_schema. */
export function typeName(type: SqlType): string {
  if (type.kind === 'decimal' && type.precision !== null)
    return `numeric(${type.precision},${type.scale ?? 0})`;
  if (type.kind === 'text' && type.lengthMax !== null) return `character varying(${type.lengthMax})`;
  return baseTypeName(type);
}

/** Without precision and length, as messages about operators and functions name it. */
export function baseTypeName(type: SqlType): string {
  if (type.kind === 'text') return type.lengthMax === null ? 'text' : 'character varying';
  return NAMES[type.kind];
}

const NAMES = {
  integer: 'integer',
  bigint: 'bigint',
  double: 'double precision',
  decimal: 'numeric',
  boolean: 'boolean',
  timestamp: 'timestamp without time zone',
  bytes: 'bytea',
  json: 'json',
  uuid: 'uuid',
} as const;
