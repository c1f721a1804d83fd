/** The entities of one kind: keys, what every entity has, and a store for each attribute. */
import type { AttributeId, EntityNumber, Micros, TupleNumber } from '../ground.ts';
import { Bitmap } from '../indexes/bitmaps/index.ts';
import { DELETED, type EntityEntry, NAMELESS } from '../kernel/index.ts';
import type { NumberSet } from '../reading.ts';
import { ACTIVE_STATE } from '../schema/index.ts';
import type { Attribute, AttributeValue, EntityKind, Predicate } from '../schema/model.ts';
import { type AttributeStore, type AttributeTest, NO_TEST, type PreparedTest } from './attribute-store.ts';
import { absentDoubles, bytes as byteColumn, Column, words } from './column.ts';
import { corruptEntities } from './corrupt.ts';
import { FlagAttribute } from './flag-attribute.ts';
import { KeyTable } from './key-table.ts';
import { KeywordAttribute } from './keyword-attribute.ts';
import { KeywordsAttribute } from './keywords-attribute.ts';
import { prepared, type Universe } from './matching.ts';
import { NumberAttribute } from './number-attribute.ts';
import { type Piece, smallPiece } from './piece.ts';
import { Postings } from './postings.ts';
import { RangeIndex } from './range-index.ts';
import { TextAttribute } from './text-attribute.ts';

/** State 0 of the column: not there. Others are the index among the kind's states, and one. */
const GONE = 0;
/** Numbers are below 2^28. */
const NUMBER_MAX = 0x0fff_ffff;

export class KindEntities implements Universe {
  readonly keys = new KeyTable();
  readonly #states = new Column(byteColumn, GONE);
  /** NaN where the entity is not there, so that nothing finds it by its age. */
  readonly #created = new Column(absentDoubles, Number.NaN);
  readonly #creators = new Column(words, 0);
  readonly #tuples = new Column(words, 0);
  readonly #attributes = new Map<AttributeId, AttributeStore>();
  readonly #ages = new RangeIndex(this.#created);
  /** By state, as in the column. */
  readonly #byState = new Map<number, Bitmap>();
  #there = new Bitmap();
  #byCreator = new Postings();
  /** Largest number given to a person, erased ones too. */
  #given = 0;
  #kind: EntityKind;

  constructor(kind: EntityKind) {
    this.#kind = kind;
    this.define(kind);
  }

  /** The kind as it is from now on. */
  define(kind: EntityKind): void {
    this.#kind = kind;
    const stored = kind.attributes.filter(({ computed }) => computed === null);
    const ids = new Set(stored.map(({ id }) => id));
    for (const id of this.#attributes.keys()) if (!ids.has(id)) this.#attributes.delete(id);
    for (const attribute of stored) {
      const there = this.#attributes.get(attribute.id);
      if (there === undefined) this.#attributes.set(attribute.id, storeOf(attribute));
      else there.indexed(attribute.filter);
    }
  }

  /** Largest number given out. */
  get last(): number {
    return Math.max(this.keys.last, this.#given);
  }

  /** Numbers up to here have been given, also where nobody is left who has them. Errors: CORRUPT. */
  give(last: number): void {
    if (last > NUMBER_MAX) throw corruptEntities(`an entry gives the number ${last}`);
    this.#given = Math.max(this.#given, last);
  }

  stateOf(number: EntityNumber): number {
    const state = this.#states.get(number);
    return state === GONE ? DELETED : state - 1;
  }

  createdAt(number: EntityNumber): Micros {
    const at = this.#created.get(number);
    return (Number.isNaN(at) ? 0 : at) as Micros;
  }

  creatorOf(number: EntityNumber): EntityNumber {
    return this.#creators.get(number) as EntityNumber;
  }

  tupleOf(number: EntityNumber): TupleNumber {
    return this.#tuples.get(number) as TupleNumber;
  }

  value(number: EntityNumber, attribute: AttributeId): AttributeValue | null {
    return this.#attributes.get(attribute)?.get(number) ?? null;
  }

  store(attribute: AttributeId): AttributeStore | null {
    return this.#attributes.get(attribute) ?? null;
  }

  /**
   * Numbers may be missing: entries that were erased, or lost with a range of the log, are left out as if they had never been.
   * Errors: CORRUPT, when a number has another key, or a key another number.
   */
  apply(entry: EntityEntry): void {
    const { number } = entry;
    if (entry.key !== NAMELESS) this.#checkKey(entry);
    else if (!this.keys.has(number)) return;
    if (entry.state === DELETED) this.#clear(number);
    this.#setState(number, entry.state === DELETED ? GONE : entry.state + 1);
    const at = entry.state === DELETED ? Number.NaN : entry.at;
    if (!Object.is(this.#created.get(number), at)) {
      this.#created.set(number, at);
      this.#ages.note(number);
    }
    this.#setCreator(number, entry.creator);
    if (this.#tuples.get(number) !== entry.tuple) this.#tuples.set(number, entry.tuple);
    for (const { attribute, value } of entry.attributes) this.#attributes.get(attribute)?.set(number, value);
  }

  active(): NumberSet {
    return this.#inState(this.#kind.states.indexOf(ACTIVE_STATE) + 1).freeze();
  }

  madeBy(creator: EntityNumber): NumberSet {
    return this.#byCreator.set(creator);
  }

  newest(limit: number): Uint32Array {
    const active = this.#kind.states.indexOf(ACTIVE_STATE) + 1;
    return this.#ages.largest(limit, (entity) => this.#states.get(entity) === active);
  }

  matching(predicate: Predicate): PreparedTest {
    return prepared(this, predicate);
  }

  all(): NumberSet {
    return this.#there.freeze();
  }

  get size(): number {
    return this.#there.size;
  }

  has(entity: number): boolean {
    return this.#there.has(entity);
  }

  prepare(test: AttributeTest): PreparedTest {
    return this.#attributes.get(test.attribute)?.prepare(test) ?? NO_TEST;
  }

  get bytes(): number {
    let bytes =
      this.keys.bytes + this.#states.bytes + this.#created.bytes + this.#creators.bytes + this.#tuples.bytes;
    for (const store of this.#attributes.values()) bytes += store.bytes;
    for (const bitmap of this.#byState.values()) bytes += bitmap.bytes;
    return bytes + this.#there.bytes + this.#byCreator.bytes + this.#ages.bytes;
  }

  pieces(name: string): readonly Piece[] {
    return [
      ...(this.#given === 0 ? [] : [smallPiece(`${name}.given`, encodeGiven(this.#given))]),
      ...this.keys.pieces(`${name}.keys`),
      ...this.#states.pieces(`${name}.states`),
      ...this.#created.pieces(`${name}.created`),
      ...this.#creators.pieces(`${name}.creators`),
      ...this.#tuples.pieces(`${name}.tuples`),
      ...[...this.#attributes]
        .sort(([a], [b]) => a - b)
        .flatMap(([id, store]) => store.pieces(`${name}.a${id}`)),
    ];
  }

  *digestAhead(): Generator<void> {
    yield* this.keys.digestAhead();
    for (const column of [this.#states, this.#created, this.#creators, this.#tuples])
      yield* column.digestAhead();
    for (const store of this.#attributes.values()) yield* store.digestAhead();
  }

  /** `place` is what follows the kind's name in that of a piece. Errors: CORRUPT. */
  restore(place: string, saved: Uint8Array): void {
    const [part = '', ...rest] = place.split('.');
    if (part === 'given') this.give(decodeGiven(saved));
    else if (part === 'keys') this.keys.restore(rest.join('.'), saved);
    else if (part === 'states') this.#states.restore(Number(rest[0]), saved);
    else if (part === 'created') this.#created.restore(Number(rest[0]), saved);
    else if (part === 'creators') this.#creators.restore(Number(rest[0]), saved);
    else if (part === 'tuples') this.#tuples.restore(Number(rest[0]), saved);
    else {
      const store = this.#attributes.get(Number(part.slice(1)) as AttributeId);
      if (store === undefined) throw corruptEntities(`the schema has nothing for ${place}`);
      store.restore(rest.join('.'), saved);
    }
  }

  /** After the last piece. Errors: CORRUPT. */
  restored(lastTuple: number): void {
    this.keys.restored();
    for (const { id, filter } of this.#kind.attributes) this.#attributes.get(id)?.restored(filter);
    this.#byState.clear();
    this.#there = new Bitmap();
    this.#byCreator = new Postings();
    this.#states.each(0, Number.MAX_SAFE_INTEGER, (number, state) => {
      if (state === GONE) return;
      if (!this.keys.has(number)) throw corruptEntities(`entity ${number} has a state and no key`);
      this.#there.add(number);
      this.#inState(state).add(number);
    });
    this.#creators.each(0, Number.MAX_SAFE_INTEGER, (number, creator) => {
      if (creator !== 0) this.#byCreator.add(creator, number);
    });
    this.#tuples.each(0, Number.MAX_SAFE_INTEGER, (number, tuple) => {
      if (tuple > lastTuple) throw corruptEntities(`entity ${number} has the tuple ${tuple} of ${lastTuple}`);
    });
    this.#ages.forget();
  }

  #checkKey({ number, key, created }: EntityEntry): void {
    if (number > NUMBER_MAX) throw corruptEntities(`an entry gives the number ${number}`);
    if (this.keys.has(number)) {
      if (created || this.keys.find(key) !== number)
        throw corruptEntities(`entity ${number} gets a second key`);
    } else if (!this.keys.put(number, key))
      throw corruptEntities(`the key of entity ${number} has another number`);
  }

  #clear(number: EntityNumber): void {
    for (const store of this.#attributes.values()) store.set(number, null);
  }

  #setState(number: EntityNumber, state: number): void {
    const before = this.#states.get(number);
    if (before === state) return;
    this.#states.set(number, state);
    if (before === GONE) this.#there.add(number);
    else this.#inState(before).remove(number);
    if (state === GONE) this.#there.remove(number);
    else this.#inState(state).add(number);
  }

  #setCreator(number: EntityNumber, creator: EntityNumber): void {
    const before = this.#creators.get(number);
    if (before === creator) return;
    this.#creators.set(number, creator);
    if (before !== 0) this.#byCreator.remove(before, number);
    if (creator !== 0) this.#byCreator.add(creator, number);
  }

  #inState(state: number): Bitmap {
    let bitmap = this.#byState.get(state);
    if (bitmap === undefined) {
      bitmap = new Bitmap();
      this.#byState.set(state, bitmap);
    }
    return bitmap;
  }
}

function storeOf({ type, filter }: Attribute): AttributeStore {
  if (type === 'text') return new TextAttribute();
  if (type === 'keyword') return new KeywordAttribute(filter);
  if (type === 'keywords') return new KeywordsAttribute(filter);
  return type === 'boolean' ? new FlagAttribute(filter) : new NumberAttribute(type, filter);
}

function encodeGiven(last: number): Uint8Array {
  const bytes = new Uint8Array(Uint32Array.BYTES_PER_ELEMENT);
  new DataView(bytes.buffer).setUint32(0, last, true);
  return bytes;
}

function decodeGiven(bytes: Uint8Array): number {
  if (bytes.length !== Uint32Array.BYTES_PER_ELEMENT)
    throw corruptEntities(`the numbers given to persons take ${bytes.length} bytes`);
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}
