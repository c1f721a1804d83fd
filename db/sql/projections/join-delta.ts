/**
 * What a change of one source's rows does to the joined rows: those that are gone, and those that are new. For each place
 * the source has in FROM the sources before it are taken as they are now and those behind it as they were, so that the
 * differences of all places add up to the whole (the rule for the difference of a product).
 */

import type { Row, SqlValue } from '../types/index.ts';
import { type CompiledTarget, type Source, valuesAt } from './compile.ts';
import { hex, type KeyedRow, type Moment, type SourceChanges, type SourceRows } from './source-rows.ts';

/** Columns of all sources one behind the other, and the key of each source's row; null where a LEFT JOIN found none. */
export interface JoinedRow {
  readonly row: readonly SqlValue[];
  readonly keys: readonly (Uint8Array | null)[];
}

export interface JoinedChange {
  readonly sign: 1 | -1;
  readonly joined: JoinedRow;
}

const NOTHING: JoinedRow = Object.freeze({ row: [], keys: [] });

/** Which rows of the first source count: while a projection is being built, those it has taken in. */
export type Included = (key: Uint8Array) => boolean;

export class JoinDelta {
  readonly #target: CompiledTarget;
  readonly #rows: SourceRows;
  readonly #included: Included;

  constructor(target: CompiledTarget, rows: SourceRows, included: Included) {
    this.#target = target;
    this.#rows = rows;
    this.#included = included;
  }

  /** By id of the source. Throws FanOut. */
  *changed(of: ReadonlyMap<number, SourceChanges>): Iterable<JoinedChange> {
    for (const source of this.#target.sources) {
      const changes = of.get(source.id);
      if (changes === undefined) continue;
      if (source.index === 0) yield* this.#ofFirst(changes);
      else if (source.join === 'left') yield* this.#ofOptional(source, changes);
      else yield* this.#ofRequired(source, changes);
    }
  }

  /** All joined rows that begin with a row of the first source, as they are now. Throws FanOut. */
  whole(first: KeyedRow): readonly JoinedRow[] {
    return this.#extend([{ row: first.row, keys: [first.key] }], 1, this.#target.sources.length, 'now');
  }

  *#ofFirst(changes: SourceChanges): Iterable<JoinedChange> {
    for (const { key, before, after } of changes.list) {
      if (!this.#included(key)) continue;
      yield* this.#behind(NOTHING, 0, key, before, -1);
      yield* this.#behind(NOTHING, 0, key, after, 1);
    }
  }

  *#ofRequired(source: Source, changes: SourceChanges): Iterable<JoinedChange> {
    for (const { key, before, after } of changes.list) {
      for (const prefix of this.#prefixes(source, before))
        yield* this.#behind(prefix, source.index, key, before, -1);
      for (const prefix of this.#prefixes(source, after))
        yield* this.#behind(prefix, source.index, key, after, 1);
    }
  }

  /** A row on the left that had no match and gets one loses its NULLs, and the other way round. */
  *#ofOptional(source: Source, changes: SourceChanges): Iterable<JoinedChange> {
    const { index } = source;
    const affected = new Map<string, { prefix: JoinedRow; gone: KeyedRow[]; come: KeyedRow[] }>();
    const note = (key: Uint8Array, row: Row | null, which: 'gone' | 'come'): void => {
      if (row === null) return;
      for (const prefix of this.#prefixes(source, row)) {
        const name = joinedName(prefix.keys);
        const found = affected.get(name) ?? { prefix, gone: [], come: [] };
        found[which].push({ key, row });
        affected.set(name, found);
      }
    };
    for (const { key, before, after } of changes.list) {
      note(key, before, 'gone');
      note(key, after, 'come');
    }
    for (const { prefix, gone, come } of affected.values()) {
      const others = (gone.length === 0 || come.length === 0) && this.#hasUnchanged(source, prefix);
      for (const { key, row } of gone) yield* this.#behind(prefix, index, key, row, -1);
      if (gone.length === 0 && !others) yield* this.#behindNone(prefix, source, -1);
      for (const { key, row } of come) yield* this.#behind(prefix, index, key, row, 1);
      if (come.length === 0 && !others) yield* this.#behindNone(prefix, source, 1);
    }
  }

  #hasUnchanged(source: Source, prefix: JoinedRow): boolean {
    const values = source.forward === null ? [] : valuesAt(prefix.row, source.forward.from);
    if (values === null) return false;
    for (const { row } of this.#rows.unchanged(source, source.forward?.lookup ?? null, values))
      if (this.#joins(source, prefix, row)) return true;
    return false;
  }

  /** The joined rows that one more row makes; sources behind it are as they were. */
  *#behind(
    prefix: JoinedRow,
    index: number,
    key: Uint8Array,
    row: Row | null,
    sign: 1 | -1,
  ): Iterable<JoinedChange> {
    if (row === null) return;
    const begun = { row: [...prefix.row, ...row], keys: [...prefix.keys, key] };
    const { sources } = this.#target;
    for (const joined of this.#extend([begun], index + 1, sources.length, 'before')) yield { sign, joined };
  }

  *#behindNone(prefix: JoinedRow, source: Source, sign: 1 | -1): Iterable<JoinedChange> {
    const begun = withNone(prefix, source);
    const { sources } = this.#target;
    for (const joined of this.#extend([begun], source.index + 1, sources.length, 'before'))
      yield { sign, joined };
  }

  /** Rows of the sources before one, as they are now, that join with a row of it. */
  #prefixes(source: Source, row: Row | null): JoinedRow[] {
    if (row === null) return [];
    return this.#candidates(source, row).filter((prefix) => this.#joins(source, prefix, row));
  }

  /**
   * Goes from the row to one of the sources before it, from that to one before that, down to the first, and from there
   * forward again. A source that is not bound to any before it makes all of those candidates.
   */
  #candidates(source: Source, row: Row): JoinedRow[] {
    const all = (): JoinedRow[] => this.#extend(this.#firsts(), 1, source.index, 'now');
    const front = this.#back(source, row, []);
    if (front === null) return all();
    const begun: JoinedRow[] = [];
    for (let next = front.pop(); next !== undefined; next = front.pop()) {
      const { at, keyed, path } = next;
      if (at.index === 0) {
        if (this.#included(keyed.key)) begun.push(...this.#along(firstOf(keyed), path, source.index));
        continue;
      }
      const before = this.#back(at, keyed.row, [{ at: at.index, keyed }, ...path]);
      if (before === null) return all();
      front.push(...before);
    }
    return begun;
  }

  /** Rows of the source's pivot that go with a row of it; null where it has none. */
  #back(source: Source, row: Row, path: readonly Step[]) {
    const { backward } = source;
    if (backward === null) return null;
    const pivot = this.#target.sources[backward.pivot]!;
    const values = valuesAt(row, backward.from);
    if (values === null) return [];
    return [...this.#rows.matching(pivot, backward.lookup, values, 'now')].map((keyed) => ({
      at: pivot,
      keyed,
      path,
    }));
  }

  /** Forward from the first row, through the rows of the path where it names one. */
  #along(first: JoinedRow, path: readonly Step[], end: number): JoinedRow[] {
    let begun: JoinedRow[] = [first];
    let from = 1;
    for (const { at, keyed } of path) {
      const source = this.#target.sources[at]!;
      begun = this.#extend(begun, from, at, 'now')
        .filter((prefix) => this.#joins(source, prefix, keyed.row))
        .map((prefix) => withRow(prefix, keyed));
      from = at + 1;
    }
    return this.#extend(begun, from, end, 'now');
  }

  #firsts(): JoinedRow[] {
    const rows: JoinedRow[] = [];
    for (const keyed of this.#rows.all(this.#target.sources[0]!, 'now'))
      if (this.#included(keyed.key)) rows.push(firstOf(keyed));
    return rows;
  }

  /** Joins the sources from `from` to before `to` to each of the rows. */
  #extend(begun: readonly JoinedRow[], from: number, to: number, moment: Moment): JoinedRow[] {
    let rows = [...begun];
    for (let index = from; index < to; index++) {
      const source = this.#target.sources[index]!;
      rows = rows.flatMap((prefix) => this.#joined(source, prefix, moment));
    }
    return rows;
  }

  #joined(source: Source, prefix: JoinedRow, moment: Moment): JoinedRow[] {
    const found: JoinedRow[] = [];
    for (const keyed of this.#partners(source, prefix, moment)) {
      if (this.#joins(source, prefix, keyed.row)) found.push(withRow(prefix, keyed));
    }
    return found.length === 0 && source.join === 'left' ? [withNone(prefix, source)] : found;
  }

  #partners(source: Source, prefix: JoinedRow, moment: Moment): Iterable<KeyedRow> {
    const { forward } = source;
    if (forward === null) return this.#rows.all(source, moment);
    const values = valuesAt(prefix.row, forward.from);
    return values === null ? [] : this.#rows.matching(source, forward.lookup, values, moment);
  }

  #joins({ on }: Source, prefix: JoinedRow, row: Row): boolean {
    return on === null || on.evaluate([...prefix.row, ...row], this.#target.context) === true;
  }
}

interface Step {
  readonly at: number;
  readonly keyed: KeyedRow;
}

function firstOf({ key, row }: KeyedRow): JoinedRow {
  return { row, keys: [key] };
}

function withRow(prefix: JoinedRow, { key, row }: KeyedRow): JoinedRow {
  return { row: [...prefix.row, ...row], keys: [...prefix.keys, key] };
}

function withNone(prefix: JoinedRow, { arity }: Source): JoinedRow {
  return { row: [...prefix.row, ...new Array<null>(arity).fill(null)], keys: [...prefix.keys, null] };
}

/** One name for the rows that a joined row is made of. */
function joinedName(keys: readonly (Uint8Array | null)[]): string {
  return keys.map((key) => (key === null ? '-' : `${key.length}:${hex(key)}`)).join();
}
