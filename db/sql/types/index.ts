/**
 * `sql/types/` knows what SQL values are and how they look everywhere: as text and on PostgreSQL's wire (value-text, value-binary,
 * wire-type), in JSON (value-json), in order (compare), in keys that compare as bytes (key-codec) and in rows (row-codec). It
 * imports `numeric/` and errors. Values are plain JavaScript (sql-type.ts) and never carry their type.
 */
export { type Comparator, comparatorOf } from './compare.ts';
export { type Bound, boundedRange, decodeKey, encodeKey, prefixRange, textPrefixRange } from './key-codec.ts';
export { RowDecoder, RowEncoder, type StoredColumn, type WantedColumn } from './row-codec.ts';
export { type SqlState, sqlError } from './sql-error.ts';
export type { Row, SqlType, SqlValue } from './sql-type.ts';
export { typeName } from './type-name.ts';
export { formatBinary, parseBinary } from './value-binary.ts';
export { type JsonScalar, parameterValue, toJsonScalar } from './value-json.ts';
export { formatText, parseText } from './value-text.ts';
export { typeOfOid, type WireType, wireType } from './wire-type.ts';
