/** Types as PostgreSQL's protocol and drivers number them. */
import type { SqlType } from './sql-type.ts';

export interface WireType {
  readonly oid: number;
  /** Bytes of a value, -1: varies. */
  readonly size: number;
  /** Precision and scale, or length; -1: none. */
  readonly modifier: number;
}

/** PostgreSQL counts the length word of a value into its modifiers. */
const MODIFIER_HEADER = 4;
const OID = {
  boolean: 16,
  bytes: 17,
  bigint: 20,
  int2: 21,
  integer: 23,
  text: 25,
  json: 114,
  float4: 700,
  double: 701,
  varchar: 1043,
  timestamp: 1114,
  decimal: 1700,
  uuid: 2950,
} as const;
const SIZES = { boolean: 1, bigint: 8, integer: 4, double: 8, timestamp: 8, uuid: 16 } as const;

export function wireType(type: SqlType): WireType {
  switch (type.kind) {
    case 'decimal': {
      const { precision, scale } = type;
      const modifier = precision === null ? -1 : ((precision << 16) | (scale ?? 0)) + MODIFIER_HEADER;
      return { oid: OID.decimal, size: -1, modifier };
    }
    case 'text':
      return type.lengthMax === null
        ? { oid: OID.text, size: -1, modifier: -1 }
        : { oid: OID.varchar, size: -1, modifier: type.lengthMax + MODIFIER_HEADER };
    case 'bytes':
    case 'json':
      return { oid: OID[type.kind], size: -1, modifier: -1 };
    default:
      return { oid: OID[type.kind], size: SIZES[type.kind], modifier: -1 };
  }
}

/** What a driver's number for a parameter means here; null for 0, for `unknown` and for types that are not ours: then the context decides. */
export function typeOfOid(oid: number): SqlType | null {
  switch (oid) {
    case OID.boolean:
      return { kind: 'boolean' };
    case OID.bytes:
      return { kind: 'bytes' };
    case OID.bigint:
      return { kind: 'bigint' };
    case OID.int2:
    case OID.integer:
      return { kind: 'integer' };
    case OID.text:
    case OID.varchar:
      return { kind: 'text', lengthMax: null };
    case OID.json:
      return { kind: 'json' };
    case OID.float4:
    case OID.double:
      return { kind: 'double' };
    case OID.timestamp:
      return { kind: 'timestamp' };
    case OID.decimal:
      return { kind: 'decimal', precision: null, scale: null };
    case OID.uuid:
      return { kind: 'uuid' };
    default:
      return null;
  }
}
