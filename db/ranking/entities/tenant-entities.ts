/** One tenant's entities, tuples and schema: what queries and decisions read. */
import type { AttributeId, EntityNumber, KindId, Micros, TupleNumber } from '../ground.ts';
import { NO_ENTITY, NO_TUPLE } from '../ground.ts';
import { NO_NUMBERS } from '../indexes/bitmaps/index.ts';
import {
  DELETED,
  decodeEntity,
  decodeNumbers,
  type EntityState,
  isUserKind,
  type TupleRow,
  tupleRow,
} from '../kernel/index.ts';
import type { EntityReader, NumberSet } from '../reading.ts';
import { dimensionsOf, SchemaHistory, userKind } from '../schema/index.ts';
import type { AttributeValue, Predicate, RankingSchema } from '../schema/model.ts';
import { absentKeywords, absentNumbers } from './attribute-store.ts';
import { corruptEntities } from './corrupt.ts';
import { KeywordAttribute } from './keyword-attribute.ts';
import { KindEntities } from './kind-entities.ts';
import { type Piece, smallPiece } from './piece.ts';
import { TupleTable } from './tuple-table.ts';

const NOBODY = new Uint32Array(0);

export class TenantEntities implements EntityReader, EntityState {
  #history: SchemaHistory = new SchemaHistory();
  readonly #kinds = new Map<KindId, KindEntities>();
  readonly #tuples = new TupleTable();
  /** Dimensions have changed since there were users. */
  #dimensionsChanged = false;
  /** Sets of tuples by the condition they were asked with, as long as there are no more of them. */
  readonly #tupleSets = new WeakMap<Predicate, { readonly count: number; readonly set: NumberSet }>();

  get schema(): RankingSchema {
    return this.#history.current;
  }

  get history(): SchemaHistory {
    return this.#history;
  }

  get dimensionsChanged(): boolean {
    return this.#dimensionsChanged;
  }

  /** Errors: CORRUPT. */
  applySchema(payload: Uint8Array): void {
    const { schema, before } = this.#history.apply(payload);
    const users = userKind(before);
    if (users !== null && this.last(users.id) > 0 && dimensionIds(before) !== dimensionIds(schema))
      this.#dimensionsChanged = true;
    this.#followSchema();
  }

  /** Errors: CORRUPT. */
  applyEntity(payload: Uint8Array): void {
    const entry = decodeEntity(payload);
    const kind = this.#kinds.get(entry.kind);
    // The kind was lost with a range of the log.
    if (kind === undefined) return;
    kind.apply(entry);
    if (entry.tuple !== NO_TUPLE && !this.#tuples.has(entry.tuple))
      this.#addTuple(entry.kind, entry.number, entry.tuple);
  }

  /** Errors: CORRUPT. */
  applyNumbers(payload: Uint8Array): void {
    const { kind, last } = decodeNumbers(payload);
    this.#kinds.get(kind)?.give(last);
  }

  last(kind: KindId): number {
    return this.#kinds.get(kind)?.last ?? 0;
  }

  numberOf(kind: KindId, key: string): EntityNumber {
    return (this.#kinds.get(kind)?.keys.find(key) ?? NO_ENTITY) as EntityNumber;
  }

  find(kind: KindId, key: string): EntityNumber {
    return this.numberOf(kind, key);
  }

  keyOf(kind: KindId, number: EntityNumber): string {
    const keys = this.#kinds.get(kind)?.keys;
    return keys?.has(number) === true ? keys.text(number) : '';
  }

  stateOf(kind: KindId, number: EntityNumber): number {
    return this.#kinds.get(kind)?.stateOf(number) ?? DELETED;
  }

  createdAt(kind: KindId, number: EntityNumber): Micros {
    return this.#kinds.get(kind)?.createdAt(number) ?? (0 as Micros);
  }

  creatorOf(kind: KindId, number: EntityNumber): EntityNumber {
    return this.#kinds.get(kind)?.creatorOf(number) ?? NO_ENTITY;
  }

  tupleOf(kind: KindId, number: EntityNumber): TupleNumber {
    return this.#kinds.get(kind)?.tupleOf(number) ?? NO_TUPLE;
  }

  value(kind: KindId, number: EntityNumber, attribute: AttributeId): AttributeValue | null {
    return this.#kinds.get(kind)?.value(number, attribute) ?? null;
  }

  numbers(
    kind: KindId,
    attribute: AttributeId,
    targets: Uint32Array,
    count: number,
    out: Float64Array,
  ): void {
    const store = this.#kinds.get(kind)?.store(attribute) ?? null;
    if (store === null) absentNumbers(count, out);
    else store.numbers(targets, count, out);
  }

  keywords(kind: KindId, attribute: AttributeId, targets: Uint32Array, count: number, out: Int32Array): void {
    const store = this.#kinds.get(kind)?.store(attribute) ?? null;
    if (store === null) absentKeywords(count, out);
    else store.keywords(targets, count, out);
  }

  active(kind: KindId): NumberSet {
    return this.#kinds.get(kind)?.active() ?? NO_NUMBERS;
  }

  madeBy(kind: KindId, creator: EntityNumber): NumberSet {
    return this.#kinds.get(kind)?.madeBy(creator) ?? NO_NUMBERS;
  }

  newest(kind: KindId, limit: number): Uint32Array {
    return this.#kinds.get(kind)?.newest(limit) ?? NOBODY;
  }

  matching(kind: KindId, predicate: Predicate): NumberSet {
    return this.#kinds.get(kind)?.matching(predicate).set() ?? NO_NUMBERS;
  }

  estimate(kind: KindId, predicate: Predicate): number {
    return this.#kinds.get(kind)?.matching(predicate).estimate ?? 0;
  }

  tuples(predicate: Predicate): NumberSet {
    const { count } = this.#tuples;
    const known = this.#tupleSets.get(predicate);
    if (known?.count === count) return known.set;
    const set = this.#tuples.matching(predicate, this.#codeOf);
    this.#tupleSets.set(predicate, { count, set });
    return set;
  }

  get lastTuple(): number {
    return this.#tuples.last;
  }

  findTuple(row: TupleRow): TupleNumber {
    return this.#tuples.find(row, this.#codeOf);
  }

  /** Entities that are there, deleted ones not among them. */
  size(kind: KindId): number {
    return this.#kinds.get(kind)?.size ?? 0;
  }

  /** Memory taken, about. */
  get bytes(): number {
    let bytes = this.#tuples.bytes;
    for (const kind of this.#kinds.values()) bytes += kind.bytes;
    return bytes;
  }

  pieces(name: string): readonly Piece[] {
    const kinds = [...this.#kinds].sort(([a], [b]) => a - b);
    return [
      smallPiece(`${name}.schema`, this.#history.encode()),
      smallPiece(`${name}.flags`, Uint8Array.of(this.#dimensionsChanged ? 1 : 0)),
      ...this.#tuples.pieces(`${name}.tuples`),
      ...kinds.flatMap(([id, kind]) => kind.pieces(`${name}.k${id}`)),
    ];
  }

  *digestAhead(): Generator<void> {
    for (const kind of this.#kinds.values()) yield* kind.digestAhead();
  }

  /** The schema has to come before everything else. Errors: CORRUPT. */
  restore(place: string, bytes: Uint8Array): void {
    const [part = '', ...rest] = place.split('.');
    if (part === 'schema') {
      this.#history = SchemaHistory.decode(bytes);
      this.#followSchema();
    } else if (part === 'flags') {
      this.#dimensionsChanged = bytes[0] === 1;
    } else if (part === 'tuples') this.#tuples.restore(rest.join('.'), bytes);
    else {
      const kind = this.#kinds.get(Number(part.slice(1)) as KindId);
      if (kind === undefined) throw corruptEntities(`the schema has no kind for ${place}`);
      kind.restore(rest.join('.'), bytes);
    }
  }

  /** After the last piece. Errors: CORRUPT. */
  restored(): void {
    this.#tuples.restored();
    for (const kind of this.#kinds.values()) kind.restored(this.#tuples.last);
  }

  #followSchema(): void {
    const { kinds } = this.schema;
    for (const id of this.#kinds.keys()) if (!kinds.some((kind) => kind.id === id)) this.#kinds.delete(id);
    for (const kind of kinds) {
      const there = this.#kinds.get(kind.id);
      if (there === undefined) this.#kinds.set(kind.id, new KindEntities(kind));
      else there.define(kind);
    }
  }

  /** The tuple's values are those that the user has by now. */
  #addTuple(kind: KindId, number: EntityNumber, tuple: TupleNumber): void {
    if (!isUserKind(this.schema, kind)) throw corruptEntities('an entity that is no user has a tuple');
    this.#tuples.put(
      tuple,
      tupleRow(this.schema, (attribute) => this.value(kind, number, attribute)),
      this.#codeOf,
    );
  }

  readonly #codeOf = (attribute: AttributeId, keyword: string): number => {
    const users = userKind(this.schema);
    const store = users === null ? null : this.#kinds.get(users.id)?.store(attribute);
    return store instanceof KeywordAttribute ? store.codeOf(keyword) : 0;
  };
}

function dimensionIds(schema: RankingSchema): string {
  return dimensionsOf(schema)
    .map(({ id }) => id)
    .join();
}
