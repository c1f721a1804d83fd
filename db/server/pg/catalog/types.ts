/** Rows of pg_type: the types of TruthDB and those that clients expect to find beside them, with PostgreSQL's own numbers. */
import type { CatalogRow } from './content.ts';
import { OID } from './oids.ts';

/** oid, name, bytes (−1: varies), category, element, array, kind. */
const TYPES = `
16 bool 1 B 0 1000 b
17 bytea -1 U 0 1001 b
18 char 1 Z 0 1002 b
19 name 64 S 18 1003 b
20 int8 8 N 0 1016 b
21 int2 2 N 0 1005 b
22 int2vector -1 A 21 1006 b
23 int4 4 N 0 1007 b
24 regproc 4 N 0 1008 b
25 text -1 S 0 1009 b
26 oid 4 N 0 1028 b
30 oidvector -1 A 26 1013 b
114 json -1 U 0 199 b
199 _json -1 A 114 0 b
700 float4 4 N 0 1021 b
701 float8 8 N 0 1022 b
705 unknown -2 X 0 0 p
1000 _bool -1 A 16 0 b
1001 _bytea -1 A 17 0 b
1002 _char -1 A 18 0 b
1003 _name -1 A 19 0 b
1005 _int2 -1 A 21 0 b
1007 _int4 -1 A 23 0 b
1009 _text -1 A 25 0 b
1014 _bpchar -1 A 1042 0 b
1015 _varchar -1 A 1043 0 b
1016 _int8 -1 A 20 0 b
1021 _float4 -1 A 700 0 b
1022 _float8 -1 A 701 0 b
1028 _oid -1 A 26 0 b
1042 bpchar -1 S 0 1014 b
1043 varchar -1 S 0 1015 b
1082 date 4 D 0 1182 b
1083 time 8 D 0 1183 b
1114 timestamp 8 D 0 1115 b
1115 _timestamp -1 A 1114 0 b
1182 _date -1 A 1082 0 b
1184 timestamptz 8 D 0 1185 b
1185 _timestamptz -1 A 1184 0 b
1186 interval 16 T 0 1187 b
1231 _numeric -1 A 1700 0 b
1700 numeric -1 N 0 1231 b
2205 regclass 4 N 0 2210 b
2206 regtype 4 N 0 2211 b
2278 void 4 P 0 0 p
2950 uuid 16 U 0 2951 b
2951 _uuid -1 A 2950 0 b
3802 jsonb -1 U 0 3807 b
3807 _jsonb -1 A 3802 0 b
`;

const TEXT_LIKE = new Set(['name', 'text', 'bpchar', 'varchar']);

/** As format_type shows them, where that is not the name. */
const LONG_NAMES: Readonly<Record<string, string>> = {
  bool: 'boolean',
  int2: 'smallint',
  int4: 'integer',
  int8: 'bigint',
  float4: 'real',
  float8: 'double precision',
  bpchar: 'character',
  varchar: 'character varying',
  timestamp: 'timestamp without time zone',
  timestamptz: 'timestamp with time zone',
  time: 'time without time zone',
  char: '"char"',
};

const ROWS = TYPES.trim()
  .split('\n')
  .map((line) => line.split(' '));

export const BASE_TYPES: readonly CatalogRow[] = ROWS.map(
  ([oid, typname = '', typlen, typcategory = '', typelem, typarray, typtype = '']) => ({
    oid: Number(oid),
    typname,
    typnamespace: OID.pgCatalog,
    typowner: OID.owner,
    typlen: Number(typlen),
    typbyval: Number(typlen) > 0 && Number(typlen) <= 8 ? 1 : 0,
    typtype,
    typcategory,
    typisdefined: 1,
    typdelim: ',',
    typelem: Number(typelem),
    typarray: Number(typarray),
    typinput: `${typname}in`,
    typoutput: `${typname}out`,
    typreceive: `${typname}recv`,
    typsend: `${typname}send`,
    typtypmod: -1,
    typcollation: TEXT_LIKE.has(typname) ? OID.defaultCollation : 0,
  }),
);

/** Oid of a type by any of its names, also with its modifier behind it; null when there is none. */
export function typeOid(name: string): number | null {
  const plain = name
    .replace(/^pg_catalog\./, '')
    .replace(/\(.*\)/, '')
    .trim();
  const row = ROWS.find(([, short = '']) => short === plain || LONG_NAMES[short] === plain);
  return row === undefined ? null : Number(row[0]);
}

/** As PostgreSQL's format_type: `numeric(10,2)`, `character varying(20)`, `integer[]`. Null for no type. */
export function formatType(oid: number | null, modifier: number | null): string | null {
  if (oid === null) return null;
  const row = ROWS.find(([number]) => Number(number) === oid);
  if (row === undefined) return oid === 0 ? '-' : '???';
  const [, name = '', , , element] = row;
  if (name.startsWith('_')) return `${formatType(Number(element), modifier)}[]`;
  return (LONG_NAMES[name] ?? name) + modifierText(name, modifier ?? -1);
}

function modifierText(name: string, modifier: number): string {
  const value = modifier - 4;
  if (value < 0) return '';
  if (name === 'numeric') return `(${value >> 16},${value & 0xffff})`;
  return name === 'varchar' || name === 'bpchar' ? `(${value})` : '';
}
