/**
 * A projection with grouping: joined rows are added to their group and taken away again. A group's record holds how many rows
 * it has, its own values and the state of each aggregate; what min, max and DISTINCT need lies value by value beside it.
 */
import { invariant } from '../../kernel/index.ts';
import type { Sequence } from '../../types.ts';
import { type Accumulator, decodeState, encodeState } from '../expression/index.ts';
import { hiddenKeyOf } from '../rows/table-layout.ts';
import type { Space, StoreWriter } from '../store/contract.ts';
import { encodeKey, prefixRange, type Row, type SqlType, type SqlValue } from '../types/index.ts';
import type { CompiledTarget } from './compile.ts';
import type { GroupAggregate, Grouping } from './grouping.ts';
import type { JoinedChange } from './join-delta.ts';
import type { OutputRows } from './output-rows.ts';
import { hex } from './source-rows.ts';

const INTEGER: SqlType = Object.freeze({ kind: 'integer' });
/** Count u48, length of the values u32. */
const RECORD_HEAD_BYTES = 10;
const COUNT_BYTES = 6;

interface Group {
  readonly key: Uint8Array;
  readonly values: Row;
  rows: number;
  /** One an aggregate; those of kept values are not used. */
  readonly states: Accumulator[];
}

export class GroupFold {
  readonly #target: CompiledTarget;
  readonly #grouping: Grouping;
  readonly #store: StoreWriter;
  readonly #at: Sequence;
  readonly #groups = new Map<string, Group>();

  constructor(target: CompiledTarget, grouping: Grouping, store: StoreWriter, at: Sequence) {
    this.#target = target;
    this.#grouping = grouping;
    this.#store = store;
    this.#at = at;
  }

  /** A projection without GROUP BY has one row, whatever its tables have. */
  addSingleGroup(): void {
    if (this.#grouping.keys.length === 0) this.#group([]);
  }

  add(changes: Iterable<JoinedChange>): void {
    const { where, context } = this.#target;
    for (const { sign, joined } of changes) {
      if (where !== null && where.evaluate(joined.row, context) !== true) continue;
      const values = this.#grouping.keys.map((key) => key.evaluate(joined.row, context));
      const group = this.#group(values);
      group.rows += sign;
      for (const [index, aggregate] of this.#grouping.aggregates.entries()) {
        const { argument } = aggregate.bound;
        const value = argument === null ? true : argument.evaluate(joined.row, context);
        this.#count(group, index, aggregate, value, sign);
      }
    }
  }

  /** Writes the groups' records, and hands on the rows that they make. */
  write(output: OutputRows): void {
    const { groups } = this.#target.target;
    invariant(groups !== null, 'a grouped projection keeps groups');
    for (const group of this.#groups.values()) {
      invariant(group.rows >= 0, 'a group never has less than no rows');
      const stays = group.rows > 0 || this.#grouping.keys.length === 0;
      this.#store.replace(groups, group.key, stays ? this.#record(group) : null, this.#at);
      output.set(this.#rowKey(group), stays ? this.#row(group) : null);
    }
  }

  #count(
    group: Group,
    index: number,
    { kind, distinct }: GroupAggregate,
    value: SqlValue,
    sign: 1 | -1,
  ): void {
    if (kind === 'sum' && !distinct) {
      if (sign > 0) group.states[index]!.add(value);
      else group.states[index]!.subtract(value);
      return;
    }
    if (value === null) return;
    const change = this.#keep(group, index, value, sign);
    if (kind === 'kept' || change === 'same') return;
    if (change === 'first') group.states[index]!.add(value);
    else group.states[index]!.subtract(value);
  }

  /** Counts one value of an aggregate: whether it is there for the first time, or gone, or neither. */
  #keep(group: Group, index: number, value: SqlValue, sign: 1 | -1): 'first' | 'gone' | 'same' {
    const space = this.#valueSpace();
    const { bound, encoder } = this.#grouping.aggregates[index]!;
    const type = bound.argument!.type;
    const key = encodeKey([...this.#grouping.keyTypes, INTEGER, type], [...group.values, index, value]);
    const stored = this.#store.get(space, key);
    const count = (stored === null ? 0 : countOf(stored.value)) + sign;
    invariant(count >= 0, 'a value that goes was there');
    const kept = stored === null ? encoder.encode([value]) : stored.value.subarray(COUNT_BYTES);
    this.#store.replace(space, key, count === 0 ? null : withCount(count, kept), this.#at);
    if (stored === null) return 'first';
    return count === 0 ? 'gone' : 'same';
  }

  #group(values: Row): Group {
    const { groups } = this.#target.target;
    const { keyTypes, aggregates } = this.#grouping;
    invariant(groups !== null, 'a grouped projection keeps groups');
    const key = encodeKey(keyTypes, values);
    const name = hex(key);
    const known = this.#groups.get(name);
    if (known !== undefined) return known;
    const stored = this.#store.get(groups, key);
    const group =
      stored === null
        ? { key, values, rows: 0, states: aggregates.map(({ bound }) => bound.create()) }
        : this.#stored(key, stored.value);
    this.#groups.set(name, group);
    return group;
  }

  #stored(key: Uint8Array, record: Uint8Array): Group {
    const view = new DataView(record.buffer, record.byteOffset, record.length);
    const valuesEnd = RECORD_HEAD_BYTES + view.getUint32(COUNT_BYTES);
    const values = this.#grouping.decoder.decode(record.subarray(RECORD_HEAD_BYTES, valuesEnd));
    let at = valuesEnd;
    const states = this.#grouping.aggregates.map(({ bound }) => {
      const end = at + 4 + view.getUint32(at);
      const state = decodeState(bound, record.subarray(at + 4, end));
      at = end;
      return state;
    });
    return { key, values, rows: countOf(record), states };
  }

  #record({ rows, values, states }: Group): Uint8Array {
    const own = this.#grouping.encoder.encode(values);
    const head = Buffer.alloc(4);
    head.writeUInt32BE(own.length);
    const parts = states.flatMap((state) => {
      const bytes = encodeState(state);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    });
    return withCount(rows, Buffer.concat([head, own, ...parts]));
  }

  /** Null when HAVING refuses the group. */
  #row(group: Group): Row | null {
    const { having, aggregates } = this.#grouping;
    const { items, context } = this.#target;
    const results = aggregates.map((aggregate, index) =>
      aggregate.kind === 'kept' ? this.#extreme(group, index, aggregate) : group.states[index]!.result(),
    );
    const row = [...group.values, ...results];
    if (having !== null && having.evaluate(row, context) !== true) return null;
    return items.map(({ expression }) => expression.evaluate(row, context));
  }

  /** Keys of groups tell rows apart; where all of them are shown they are the row's own key too. */
  #rowKey({ key }: Group): Uint8Array {
    return this.#grouping.keys.length === 0 ? hiddenKeyOf(1n) : key;
  }

  #extreme(group: Group, index: number, { bound, decoder }: GroupAggregate): SqlValue {
    const types = [...this.#grouping.keyTypes, INTEGER];
    const range = prefixRange(types, [...group.values, index]);
    const reverse = bound.name === 'max';
    for (const { value } of this.#store.scan(this.#valueSpace(), { range, reverse, limit: 1 }))
      return decoder.decode(value.subarray(COUNT_BYTES))[0]!;
    return null;
  }

  #valueSpace(): Space {
    const { values } = this.#target.target;
    invariant(values !== null, 'a projection with min, max or DISTINCT keeps values');
    return values;
  }
}

function countOf(bytes: Uint8Array): number {
  return Buffer.from(bytes.buffer, bytes.byteOffset, COUNT_BYTES).readUIntBE(0, COUNT_BYTES);
}

function withCount(count: number, rest: Uint8Array): Uint8Array {
  const out = Buffer.alloc(COUNT_BYTES + rest.length);
  out.writeUIntBE(count, 0, COUNT_BYTES);
  out.set(rest, COUNT_BYTES);
  return new Uint8Array(out.buffer, out.byteOffset, out.length);
}
