/** One target of a projection kept current: changes of its sources folded into it, and its building, a page of rows at a time. */
import { TruthError } from '../../errors.ts';
import type { Sequence } from '../../types.ts';
import type { Catalog } from '../catalog/index.ts';
import type { KeyRange, Space, StoreWriter } from '../store/contract.ts';
import { encodeKey } from '../types/index.ts';
import { Budget, FanOut } from './budget.ts';
import { type CompiledTarget, compileTarget, type Source, valuesAt } from './compile.ts';
import type { Target } from './definition.ts';
import { GroupFold } from './fold-groups.ts';
import { foldRows } from './fold-rows.ts';
import { JoinDelta, type JoinedChange } from './join-delta.ts';
import { OutputRows } from './output-rows.ts';
import { noteProgress, type Progress, progressOf } from './progress.ts';
import { type SourceChange, type SourceChanges, SourceRows } from './source-rows.ts';

/** Rows of sources that one entry may have looked at for one target. */
const CHANGE_ROWS_MAX = 20_000;
/** Rows joined to one row of the first source while building: it cannot be divided. */
const WHOLE_ROWS_MAX = 5_000_000;

export class TargetUpkeep {
  readonly #target: CompiledTarget;
  readonly #store: StoreWriter;
  readonly #at: Sequence;

  constructor(target: Target, catalog: Catalog, store: StoreWriter, at: Sequence) {
    this.#target = compileTarget(target, catalog);
    this.#store = store;
    this.#at = at;
  }

  get sources(): readonly Source[] {
    return this.#target.sources;
  }

  get progress(): Progress {
    return progressOf(this.#store, this.#target.target);
  }

  /** Follows changes of its sources, by id. Returns what became of its own rows. */
  follow(changes: ReadonlyMap<number, SourceChanges>): readonly SourceChange[] {
    const progress = this.progress;
    if (progress.phase === 'behind' || progress.phase === 'failed') return [];
    this.#arrange(changes);
    const included = includedBy(progress);
    if (included === null) return [];
    try {
      const rows = new SourceRows(this.#store, changes, new Budget(CHANGE_ROWS_MAX));
      return this.#fold([...new JoinDelta(this.#target, rows, included).changed(changes)], false);
    } catch (error) {
      this.#stop(progress, error);
      return [];
    }
  }

  /** Takes in up to so many rows more. Does nothing when there are none left. */
  build(rows: number): void {
    const progress = this.progress;
    try {
      if (progress.phase === 'arranging') this.#buildArrangement(progress, rows);
      else if (progress.phase === 'building') this.#buildRows(progress.cursor, rows);
    } catch (error) {
      this.#stop(progress, error);
    }
  }

  /** Forgets everything but the rows it shows. */
  forgetWorkings(): void {
    for (const space of workingsOf(this.#target.target)) this.#store.drop(space);
  }

  #arrange(changes: ReadonlyMap<number, SourceChanges>): void {
    for (const { source: id, columns, space } of this.#target.target.arrangements) {
      const source = this.#target.sources.find((candidate) => candidate.id === id)!;
      const changed = changes.get(id);
      if (changed === undefined) continue;
      const places = this.#placesOf(source, columns);
      for (const { key, before, after } of changed.list) {
        if (before !== null) this.#arrangeRow(source, places, space, before, key, null);
        if (after !== null) this.#arrangeRow(source, places, space, after, key, key);
      }
    }
  }

  #placesOf(source: Source, columns: readonly number[]): readonly number[] {
    const { columns: known } = this.#target.target.sources[source.index]!;
    return columns.map((id) => known.findIndex((column) => column.id === id));
  }

  #arrangeRow(
    source: Source,
    places: readonly number[],
    space: Space,
    row: SourceChange['after'] & object,
    key: Uint8Array,
    value: Uint8Array | null,
  ): void {
    const values = valuesAt(row, places);
    if (values === null) return;
    const own = encodeKey(
      places.map((place) => source.types[place]!),
      values,
    );
    this.#store.replace(space, Buffer.concat([own, key]), value, this.#at);
  }

  #buildArrangement({ arrangement, cursor }: Extract<Progress, { phase: 'arranging' }>, rows: number): void {
    const { arrangements } = this.#target.target;
    const wanted = arrangements[arrangement];
    if (wanted === undefined) {
      this.#note({ phase: 'building', cursor: null });
      if (this.#target.grouping !== null) this.#fold([], true);
      return;
    }
    const source = this.#target.sources.find(({ id }) => id === wanted.source)!;
    const places = this.#placesOf(source, wanted.columns);
    const page = this.#page(source.space, cursor, rows);
    for (const { key, value } of page)
      this.#arrangeRow(source, places, wanted.space, source.decode(value), key, key);
    const last = page.length < rows ? undefined : page.at(-1);
    if (last === undefined) this.#note({ phase: 'arranging', arrangement: arrangement + 1, cursor: null });
    else this.#note({ phase: 'arranging', arrangement, cursor: hexOf(last.key) });
  }

  #buildRows(cursor: string | null, rows: number): void {
    const first = this.#target.sources[0]!;
    const page = this.#page(first.space, cursor, rows);
    const budget = new Budget(CHANGE_ROWS_MAX);
    const changes: JoinedChange[] = [];
    let taken = 0;
    for (const { key, value } of page) {
      const limit = new Budget(WHOLE_ROWS_MAX);
      const delta = new JoinDelta(this.#target, new SourceRows(this.#store, new Map(), limit), () => true);
      const joined = delta.whole({ key, row: first.decode(value) });
      taken += 1;
      for (const each of joined) changes.push({ sign: 1, joined: each });
      if (!budget.spare(joined.length + 1)) break;
    }
    this.#fold(changes, false);
    const last = page[taken - 1];
    const done = taken === page.length && page.length < rows;
    if (done || last === undefined) this.#note({ phase: 'current' });
    else this.#note({ phase: 'building', cursor: hexOf(last.key) });
  }

  #page(space: Space, cursor: string | null, limit: number) {
    const range: KeyRange = { from: cursor === null ? null : behind(cursor), to: null };
    return [...this.#store.scan(space, { range, reverse: false, limit })];
  }

  #fold(changes: readonly JoinedChange[], single: boolean): readonly SourceChange[] {
    const output = new OutputRows(this.#target);
    const { grouping } = this.#target;
    if (grouping === null) {
      foldRows(this.#target, changes, output);
    } else {
      const groups = new GroupFold(this.#target, grouping, this.#store, this.#at);
      if (single) groups.addSingleGroup();
      groups.add(changes);
      groups.write(output);
    }
    return output.write(this.#store, this.#at);
  }

  /** What cannot go on: a target that is being built begins anew, one that answers stays as it is. */
  #stop(progress: Progress, error: unknown): void {
    if (error instanceof FanOut) {
      if (progress.phase === 'current') {
        this.#note({ phase: 'behind', since: (this.#at - 1) as Sequence });
        return;
      }
      this.forgetWorkings();
      this.#store.drop(this.#target.target.output);
      return;
    }
    if (!(error instanceof TruthError) || error.details['sqlstate'] === undefined) throw error;
    this.#note({ phase: 'failed', reason: error.message });
  }

  #note(progress: Progress): void {
    noteProgress(this.#store, this.#target.target, progress, this.#at);
  }
}

/** Spaces that hold nothing a query sees. */
export function workingsOf({ progress, groups, values, arrangements }: Target): Space[] {
  return [progress, groups, values, ...arrangements.map(({ space }) => space)].filter(
    (space) => space !== null,
  );
}

/** Null: nothing is taken in yet. */
function includedBy(progress: Progress): ((key: Uint8Array) => boolean) | null {
  if (progress.phase === 'current') return () => true;
  if (progress.phase !== 'building' || progress.cursor === null) return null;
  const cursor = Buffer.from(progress.cursor, 'hex');
  return (key) => Buffer.compare(key, cursor) <= 0;
}

function hexOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('hex');
}

/** The smallest key behind another. */
function behind(cursor: string): Uint8Array {
  return Buffer.from(`${cursor}00`, 'hex');
}
