/**
 * Words of PostgreSQL 18 that are not a name everywhere: reserved ones, names of columns that are no names of functions, and the
 * other way round. A printed name that is one of them gets quotes, as PostgreSQL's own quote_ident does.
 */

const RESERVED =
  'all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create ' +
  'current_catalog current_date current_role current_time current_timestamp current_user default deferrable desc distinct ' +
  'do else end except false fetch for foreign from grant group having in initially intersect into lateral leading limit ' +
  'localtime localtimestamp not null offset on only or order placing primary references returning select session_user some ' +
  'symmetric system_user table then to trailing true union unique user using variadic when where window with';

/** May be functions and types, not columns. */
const TYPE_OR_FUNCTION =
  'authorization binary collation concurrently cross current_schema freeze full ilike inner is isnull join left like natural ' +
  'notnull outer overlaps right similar tablesample verbose';

/** May be columns, not functions: most of them have a grammar of their own. */
const COLUMN =
  'between bigint bit boolean char character coalesce dec decimal exists extract float greatest grouping inout int integer ' +
  'interval json json_array json_arrayagg json_exists json_object json_objectagg json_query json_scalar json_serialize ' +
  'json_table json_value least merge_action national nchar none normalize nullif numeric out overlay position precision real ' +
  'row setof smallint substring time timestamp treat trim values varchar xmlattributes xmlconcat xmlelement xmlexists ' +
  'xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable';

/** All words that need quotes somewhere. */
export const KEYWORDS: ReadonlySet<string> = new Set([
  ...RESERVED.split(' '),
  ...TYPE_OR_FUNCTION.split(' '),
  ...COLUMN.split(' '),
]);
