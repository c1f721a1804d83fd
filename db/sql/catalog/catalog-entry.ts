/**
 * The payload of a catalog entry (type 32): u8 version (1) · u8 actor bytes · actor (UTF-8) · canonical JSON of the header
 * that holds from here on and of what has changed, each table whole. Whoever applies it decides nothing. A `createdAt` of
 * 0 stands for the entry's own place, which its author did not know.
 */
import { TruthError } from '../../errors.ts';
import { invariant } from '../../kernel/index.ts';
import type { Sequence } from '../../types.ts';
import { canonicalJson } from './canonical-json.ts';
import type { CatalogHeader, Projection, Table } from './catalog.ts';
import { tableFromJson, tableToJson } from './catalog-store.ts';

export type CatalogChange =
  /** A table as it is from now on, new or altered. */
  | { readonly change: 'table'; readonly table: Table }
  | { readonly change: 'table dropped'; readonly id: number }
  /** An index of the table's that stands in the definition: its entries are to be made from the rows there are. */
  | { readonly change: 'index built'; readonly table: number; readonly index: number }
  | { readonly change: 'projection'; readonly projection: Projection }
  | { readonly change: 'projection dropped'; readonly id: number };

export interface CatalogEntry {
  readonly actor: string;
  readonly header: CatalogHeader;
  readonly changes: readonly CatalogChange[];
}

const ENTRY_VERSION = 1;
const PREFIX_BYTES = 2;

export function encodeCatalogEntry({ actor, header, changes }: CatalogEntry): Uint8Array {
  const name = Buffer.from(actor, 'utf8');
  invariant(name.length > 0 && name.length <= 128, 'an actor was parsed');
  invariant(header.version > 0 && changes.length > 0, 'an entry of the catalog changes something');
  const json = canonicalJson({ header, changes: changes.map(changeToJson) });
  return new Uint8Array(Buffer.concat([Uint8Array.of(ENTRY_VERSION, name.length), name, Buffer.from(json)]));
}

/** Errors: CORRUPT, UNSUPPORTED_VERSION. */
export function decodeCatalogEntry(payload: Uint8Array, at: Sequence): CatalogEntry {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  const version = bytes[0];
  if (version !== ENTRY_VERSION) {
    throw new TruthError(
      'UNSUPPORTED_VERSION',
      `the change of tables at ${at} has format version ${version ?? 'none'}, this release reads ${ENTRY_VERSION}: use the release that wrote it, or a newer one`,
      { sequence: at },
    );
  }
  const jsonAt = PREFIX_BYTES + (bytes[1] ?? 0);
  if (jsonAt === PREFIX_BYTES || jsonAt >= bytes.length) throw corrupt(at);
  try {
    const { header, changes } = JSON.parse(bytes.toString('utf8', jsonAt)) as {
      header: CatalogHeader;
      changes: readonly CatalogChange[];
    };
    checkHeader(header);
    const actor = bytes.toString('utf8', PREFIX_BYTES, jsonAt);
    return { actor, header, changes: changes.map((change) => changeFromJson(change, at)) };
  } catch (error) {
    throw corrupt(at, error);
  }
}

function changeToJson(change: CatalogChange): unknown {
  return change.change === 'table' ? { ...change, table: tableToJson(change.table) } : change;
}

function changeFromJson(change: CatalogChange, at: Sequence): CatalogChange {
  switch (change.change) {
    case 'table':
      return { change: 'table', table: placed(tableFromJson(change.table), at) };
    case 'projection': {
      const { projection } = change;
      return {
        change: 'projection',
        projection: { ...projection, createdAt: place(projection.createdAt, at) },
      };
    }
    case 'table dropped':
    case 'projection dropped':
    case 'index built':
      return change;
    default:
      throw corrupt(at);
  }
}

function placed(table: Table, at: Sequence): Table {
  const indexes = table.indexes.map((index) => ({ ...index, createdAt: place(index.createdAt, at) }));
  return { ...table, indexes, createdAt: place(table.createdAt, at) };
}

function place(createdAt: Sequence, at: Sequence): Sequence {
  return createdAt === 0 ? at : createdAt;
}

function checkHeader(header: CatalogHeader): void {
  const numbers = [header.version, header.nextTable, header.nextIndex, header.nextSpace];
  if (!numbers.every((number) => Number.isSafeInteger(number) && number > 0))
    throw new TruthError('CORRUPT', 'a catalog counts from 1');
}

function corrupt(at: Sequence, cause?: unknown): TruthError {
  const message = `the change of tables at ${at} cannot be read: its bytes are none that were ever written`;
  return new TruthError('CORRUPT', message, { sequence: at }, { cause });
}
