/** Numbers for rows of tables whose primary key is hidden. */
import type { Table } from '../catalog/index.ts';
import { nextRowNumber } from '../rows/evolve.ts';
import type { StoreReader } from '../store/contract.ts';

/** Beyond every number that a row ever gets. */
const PROVISIONAL_FIRST = 1n << 62n;

export class RowNumbers {
  readonly #first: (table: Table) => bigint;
  readonly #next = new Map<number, bigint>();

  private constructor(first: (table: Table) => bigint) {
    this.#first = first;
  }

  /** The ones that are next in a state. */
  static after(state: StoreReader): RowNumbers {
    return new RowNumbers((table) => nextRowNumber(state, table));
  }

  /** For rows that get theirs when their transaction ends: nobody else's are among them. */
  static provisional(): RowNumbers {
    return new RowNumbers(() => PROVISIONAL_FIRST);
  }

  take(table: Table): bigint {
    const number = this.#next.get(table.id) ?? this.#first(table);
    this.#next.set(table.id, number + 1n);
    return number;
  }
}
