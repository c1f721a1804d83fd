/** Oids of what the catalog shows. PostgreSQL's own are fixed; those of a tenant's tables follow from their ids. */

export const OID = Object.freeze({
  owner: 10,
  pgCatalog: 11,
  public: 2200,
  informationSchema: 13_181,
  database: 5,
  heap: 2,
  btree: 403,
  defaultCollation: 100,
});

/** PostgreSQL gives numbers below to itself. */
const FIRST = 16_384;
/** Apart, so that none is given twice; an oid has 32 bits. */
const INDEXES = 1_000_000_000;
const PRIMARY_KEYS = 2_000_000_000;
const CONSTRAINTS = 3_000_000_000;

export function relationOid(id: number): number {
  return FIRST + id;
}

export function indexOid(id: number): number {
  return INDEXES + id;
}

export function primaryKeyOid(table: number): number {
  return PRIMARY_KEYS + table;
}

/** Constraints and defaults are numbered by the owner they stand at and their place there. */
export function constraintOid(table: number, place: number): number {
  return CONSTRAINTS + table * 4096 + place;
}
