/** What is told of reducers. */
import { TruthError } from '../errors.ts';
import type { Catalog, Projection } from '../sql/catalog/index.ts';
import type { StoreReader } from '../sql/store/contract.ts';
import { type Deployment, outputTable, reducerDetail, type Source } from './definition.ts';
import { logOf, progressOf } from './progress.ts';

export interface ReducerStatus {
  readonly name: string;
  /** `building`: answers nothing yet. `live`: answers. `failed`: stopped, and answers no more. */
  readonly state: Projection['state'];
  /** `streams "orders-"`, or `table "orders"`. */
  readonly over: string;
  /** The version that answers; null: none does. */
  readonly version: number | null;
  /** SHA-256 of the file it was deployed from, hex. */
  readonly file: string | null;
  /** Rows there are. */
  readonly rows: number;
  /** The version that takes in the past, and how far it is in the log. */
  readonly coming: { readonly version: number; readonly position: number; readonly until: number } | null;
  readonly failure: { readonly version: number; readonly reason: string } | null;
  /** Its last lines, oldest first. */
  readonly log: readonly string[];
}

export function reducerStatuses(catalog: Catalog, rows: StoreReader): ReducerStatus[] {
  return catalog.projections.flatMap((projection) => {
    const detail = reducerDetail(projection);
    if (detail === null) return [];
    const { current, coming, failure } = detail;
    const shown = current ?? coming;
    return [
      {
        ...{ name: projection.name, state: projection.state, failure },
        over: shown === null ? '' : overText(shown.source, catalog),
        version: current?.version ?? null,
        file: shown?.sourceHash ?? null,
        rows: shown === null ? 0 : rows.count(outputTable(shown).space),
        coming: coming === null ? null : comingStatus(coming, rows),
        log: shown === null ? [] : logOf(rows, shown),
      },
    ];
  });
}

/** Errors: NOT_FOUND. */
export function reducerStatus(catalog: Catalog, rows: StoreReader, name: string): ReducerStatus {
  const found = reducerStatuses(catalog, rows).find((status) => status.name === name);
  if (found !== undefined) return found;
  throw new TruthError('NOT_FOUND', `reducer "${name}" does not exist`, { sqlstate: '42704' });
}

function comingStatus(coming: Deployment, rows: StoreReader): NonNullable<ReducerStatus['coming']> {
  const progress = progressOf(rows, coming);
  const { version } = coming;
  if (progress.phase !== 'past') return { version, position: 0, until: 0 };
  return { version, position: progress.cursor.position, until: progress.until };
}

function overText(source: Source, catalog: Catalog): string {
  if (source.over === 'streams') return `streams "${source.prefix}"`;
  return `table "${catalog.tableById(source.table)?.name ?? source.table}"`;
}
