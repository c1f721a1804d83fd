/** What became of each row of a table between two positions: inserted, updated, deleted, or nothing worth a line. */
import { SEQUENCE_NONE, type Sequence } from '../../types.ts';
import type { Table } from '../catalog/index.ts';
import type { HistoricVersion } from '../store/index.ts';
import { type Row, RowDecoder, RowEncoder, type SqlValue } from '../types/index.ts';
import { VersionLines } from './history-rows.ts';
import { ROWS_BETWEEN_PAUSES } from './matching-rows.ts';
import type { Source } from './row-source.ts';

const EVERYTHING = { from: null, to: null };

/** In key order, in the columns of `table`, which is as of `to`. Null: a good moment to do something else. */
export function* diffRows(
  table: Table,
  from: Sequence,
  to: Sequence,
  { reader, budget }: Source,
): Generator<Row | null> {
  if (from === to) return;
  const lines = new DiffLines(table, new VersionLines(reader));
  const after = Math.max(SEQUENCE_NONE, from - 1) as Sequence;
  let row = null as RowThen | null;
  let passed = 0;
  for (const version of reader.versions(table.space, EVERYTHING, after, to)) {
    budget.examine();
    if (row !== null && Buffer.compare(row.last.key, version.key) !== 0) {
      const line = lines.of(row);
      if (line !== null) yield line;
      else if (++passed % ROWS_BETWEEN_PAUSES === 0) yield null;
      row = null;
    }
    row = {
      old: version.since <= from ? version : (row?.old ?? null),
      new: version.until === null || version.until > to ? version : null,
      last: version,
    };
  }
  const line = row === null ? null : lines.of(row);
  if (line !== null) yield line;
}

/** One key's versions at both ends. */
interface RowThen {
  readonly old: HistoricVersion | null;
  readonly new: HistoricVersion | null;
  readonly last: HistoricVersion;
}

class DiffLines {
  readonly #decoder: RowDecoder;
  readonly #encoder: RowEncoder;
  readonly #nothing: readonly SqlValue[];
  readonly #versions: VersionLines;

  constructor(table: Table, versions: VersionLines) {
    this.#decoder = new RowDecoder(table.columns);
    this.#encoder = new RowEncoder(table.columns);
    this.#nothing = table.columns.map(() => null);
    this.#versions = versions;
  }

  /** Null where both ends show the same. */
  of({ old, new: now, last }: RowThen): Row | null {
    if (old === null && now === null) return null;
    if (old !== null && now !== null && old.since === now.since) return null;
    const before = old === null ? null : this.#decoder.decode(old.value);
    const after = now === null ? null : this.#decoder.decode(now.value);
    if (before !== null && after !== null && this.#same(before, after)) return null;
    const operation = before === null ? 'insert' : after === null ? 'delete' : 'update';
    // What was deleted ended with its last version.
    const at = now?.since ?? last.until!;
    const { recorded, actor } = this.#versions.write(at);
    return [
      BigInt(at),
      recorded,
      actor,
      operation,
      ...(after ?? this.#nothing),
      ...(before ?? this.#nothing),
    ];
  }

  #same(before: Row, after: Row): boolean {
    return Buffer.compare(this.#encoder.encode(before), this.#encoder.encode(after)) === 0;
  }
}
