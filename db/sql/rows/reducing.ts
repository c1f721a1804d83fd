/** What runs reducers within the transactions of tables. They live above sql/, which knows no more of them than this. */
import type { Sequence } from '../../types.ts';
import type { Catalog } from '../catalog/index.ts';
import type { StoreWriter } from '../store/contract.ts';
import type { EvolveListener, TableEntry } from './evolve.ts';

export interface ReducingListener extends EvolveListener {
  /** Whether anything in the catalog wants events of streams. */
  wantsEvents(catalog: Catalog): boolean;
  /** Those of the events that somebody wants, in order. */
  wanted(catalog: Catalog, events: readonly TableEntry[]): readonly TableEntry[];
  /** Events of one commit, all of them wanted; `at` is the commit's own sequence, behind them all. */
  eventsRecorded(store: StoreWriter, catalog: Catalog, events: readonly TableEntry[], at: Sequence): void;
  /** An entry of reducers (type 64). */
  reducerEntry(store: StoreWriter, catalog: Catalog, entry: TableEntry): void;
}

/** One listener out of two, the first told first; steps of projections are the first's. */
export function bothListen(first: EvolveListener, second: EvolveListener): EvolveListener {
  return {
    wants: (catalog, table) => first.wants(catalog, table) || second.wants(catalog, table),
    rowsChanged: (...told) => {
      first.rowsChanged(...told);
      second.rowsChanged(...told);
    },
    catalogChanged: (...told) => {
      first.catalogChanged(...told);
      second.catalogChanged(...told);
    },
    stepped: (...told) => first.stepped(...told),
    takeWanted: () => {
      const wanted = first.takeWanted();
      return second.takeWanted() || wanted;
    },
  };
}
