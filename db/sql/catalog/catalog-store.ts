/**
 * Where the catalog lies in the store: space 0, a header under `00`, tables under `01` and projections under `02`, each
 * followed by its id (u32, big-endian); values are canonical JSON. Every change writes the header, so the entry that wrote
 * it names one state of the catalog.
 */
import { TruthError } from '../../errors.ts';
import type { Sequence } from '../../types.ts';
import type { StoredVersion, StoreReader } from '../store/contract.ts';
import { formatText, parseText, type SqlType, type SqlValue } from '../types/index.ts';
import { canonicalJson } from './canonical-json.ts';
import {
  CATALOG_SPACE,
  Catalog,
  type CatalogHeader,
  type Column,
  type Projection,
  type Table,
} from './catalog.ts';

const FORMAT_VERSION = 1;
export const HEADER_KEY = Uint8Array.of(0);
const TABLE_PREFIX = 1;
const PROJECTION_PREFIX = 2;

export function tableKey(id: number): Uint8Array {
  return keyOf(TABLE_PREFIX, id);
}

export function projectionKey(id: number): Uint8Array {
  return keyOf(PROJECTION_PREFIX, id);
}

function keyOf(prefix: number, id: number): Uint8Array {
  const key = new Uint8Array(5);
  key[0] = prefix;
  new DataView(key.buffer).setUint32(1, id);
  return key;
}

export function encodeHeader(header: CatalogHeader): Uint8Array {
  return Buffer.from(canonicalJson({ format: FORMAT_VERSION, ...header }));
}

export function encodeTable(table: Table): Uint8Array {
  return Buffer.from(canonicalJson(tableToJson(table)));
}

export function encodeProjection(projection: Projection): Uint8Array {
  return Buffer.from(canonicalJson(projection));
}

/** A table as plain JSON; `tableFromJson` is the way back. */
export function tableToJson(table: Table): unknown {
  return {
    ...table,
    columns: table.columns.map((column) => ({
      ...column,
      missing: valueToText(column.type, column.missing),
    })),
  };
}

export function tableFromJson(json: unknown): Table {
  const table = json as Table;
  const columns = table.columns.map(
    (column): Column => ({ ...column, missing: valueFromText(column.type, column.missing as string | null) }),
  );
  return { ...table, columns };
}

function valueToText(type: SqlType, value: SqlValue): string | null {
  return value === null ? null : formatText(type, value);
}

function valueFromText(type: SqlType, text: string | null): SqlValue {
  return text === null ? null : parseText(type, text);
}

/** Reads the tables of one state, and keeps the last few states: a query a second asks for the same one all the time. */
export class CatalogCache {
  readonly #kept = new Map<Sequence, Catalog>();
  #written: Catalog | null = null;
  /** Entry that made each of the states that are somebody's. */
  #since = new WeakMap<Catalog, Sequence>();

  /** As of a position, or of now. The same object as long as nothing has changed. */
  at(reader: StoreReader, position: Sequence | null): Catalog {
    const header =
      position === null
        ? reader.get(CATALOG_SPACE, HEADER_KEY)
        : reader.getAt(CATALOG_SPACE, HEADER_KEY, position);
    if (header === null) return Catalog.EMPTY;
    const kept = this.#kept.get(header.since);
    if (kept !== undefined) return kept;
    const catalog = readCatalog(reader, position, header);
    if (this.#kept.size >= KEPT_MAX)
      for (const [oldest] of [...this.#kept].slice(0, 1)) this.#kept.delete(oldest);
    this.#kept.set(header.since, catalog);
    this.#since.set(catalog, header.since);
    return catalog;
  }

  /** What the one that writes has now, its open transaction included; looked up again only after `changed` and `forget`. */
  written(writer: StoreReader): Catalog {
    this.#written ??= this.at(writer, null);
    return this.#written;
  }

  /** The one that writes has changed it. */
  changed(): void {
    this.#written = null;
  }

  /** Whether a state that is current now was so at a position already: then the past needs no look-up. */
  wasCurrent(catalog: Catalog, position: Sequence): boolean {
    const since = this.#since.get(catalog);
    return since !== undefined && since <= position;
  }

  /** What was read from a transaction that has been rolled back never was. */
  forget(): void {
    this.#kept.clear();
    this.#written = null;
    this.#since = new WeakMap();
  }
}

const KEPT_MAX = 16;

/** The tables of a state, or of now; through a cache where one is at hand. Errors: CORRUPT, UNSUPPORTED_VERSION. */
function readCatalog(reader: StoreReader, position: Sequence | null, header: StoredVersion): Catalog {
  const options = { range: { from: Uint8Array.of(TABLE_PREFIX), to: null }, reverse: false, limit: null };
  const rows =
    position === null ? reader.scan(CATALOG_SPACE, options) : reader.scanAt(CATALOG_SPACE, options, position);
  const tables: Table[] = [];
  const projections: Projection[] = [];
  for (const { key, value } of rows) {
    const json = parsed(value);
    if (key[0] === TABLE_PREFIX) tables.push(tableFromJson(json));
    else projections.push(json as Projection);
  }
  return new Catalog(readHeader(header.value), tables, projections);
}

function readHeader(value: Uint8Array): CatalogHeader {
  const { format, ...header } = parsed(value) as CatalogHeader & { readonly format: number };
  if (format === FORMAT_VERSION) return header;
  throw new TruthError(
    'UNSUPPORTED_VERSION',
    `the catalog of tables has format ${format}, this release reads ${FORMAT_VERSION}: use the release that wrote it, or a newer one`,
  );
}

function parsed(value: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(value.buffer, value.byteOffset, value.length).toString('utf8'));
  } catch (error) {
    throw new TruthError('CORRUPT', 'the catalog of tables is not JSON', {}, { cause: error });
  }
}
