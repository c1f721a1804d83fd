/**
 * Makes entity entries one after the other within one command: each is decided on top of those before it. What is found wrong
 * is thrown before anything of the draft has been written.
 */
import { TruthError } from '../../errors.ts';
import { KERNEL_ENTRY } from '../../kernel/entry-types.ts';
import {
  type AttributeId,
  type EntityNumber,
  type KindId,
  type Micros,
  NO_ENTITY,
  NO_TUPLE,
  type TupleNumber,
} from '../ground.ts';
import { kindById, refusedAt, required, unknownName } from '../schema/index.ts';
import type { Attribute, AttributeValue, EmbeddingSlot, EntityKind, RankingSchema } from '../schema/model.ts';
import { timeProblem } from './clock-rules.ts';
import type { EntityDraft, GivenField, RankingEntry } from './command.ts';
import { encodeEntity } from './entity-entry.ts';
import { EntityOverlay, isEmptyRow, isUserKind, tupleRow } from './entity-overlay.ts';
import type { EntityEntry } from './entry.ts';
import { attributeValue, embeddingValue } from './field-values.ts';
import { keyProblem, shownKey } from './keys.ts';
import { encodeNumbers } from './numbers-entry.ts';
import { DELETED, NAMELESS, type RankingState } from './state.ts';

type PutDraft = Extract<EntityDraft, { readonly action: 'put' }>;
type Attributes = EntityEntry['attributes'];
type Embeddings = EntityEntry['embeddings'];

interface Fields {
  readonly attributes: Attributes;
  readonly embeddings: Embeddings;
  /** Key of the creator; null takes it away, undefined leaves it. */
  readonly creator: string | null | undefined;
}

type Field =
  | { readonly attribute: Attribute; readonly slot: null }
  | { readonly attribute: null; readonly slot: EmbeddingSlot };
type FieldsByName = ReadonlyMap<string, Field>;

const NOTHING: Fields = Object.freeze({ attributes: [], embeddings: [], creator: undefined });
const LEAST_TIME = Number.MIN_SAFE_INTEGER;
const NUMBER_MAX = 0x0fff_ffff;

export class EntityWriter {
  /** The state with everything of the command so far laid over it. */
  readonly state: EntityOverlay;
  readonly entries: RankingEntry[] = [];
  readonly #schema: RankingSchema;
  readonly #now: Micros;
  readonly #entryBytesMax: number;
  readonly #dimensionsChanged: boolean;
  readonly #fields = new Map<KindId, FieldsByName>();
  /** Largest number given to somebody new, of kinds of persons. */
  readonly #given = new Map<KindId, EntityNumber>();

  constructor(state: RankingState, now: Micros, entryBytesMax: number) {
    this.state = new EntityOverlay(state);
    this.#schema = state.schema.schema;
    this.#now = now;
    this.#entryBytesMax = entryBytesMax;
    this.#dimensionsChanged = state.dimensionsChanged;
  }

  /** What is to stand before everything else of the command: that numbers of persons are given. */
  get numbers(): readonly RankingEntry[] {
    return [...this.#given].map(([kind, last]) => ({
      type: KERNEL_ENTRY.rankingNumbers,
      payload: encodeNumbers({ entry: 'numbers', kind, last }),
      subject: null,
    }));
  }

  /** Number of what is there under the key, or none. */
  find(kind: EntityKind, key: string): EntityNumber {
    const number = this.state.find(kind.id, key);
    return number !== NO_ENTITY && this.state.stateOf(kind.id, number) !== DELETED ? number : NO_ENTITY;
  }

  /** Number of a key that has been checked; what is not there, or was deleted, comes to be. */
  ensure(kind: EntityKind, key: string): EntityNumber {
    const number = this.state.find(kind.id, key);
    if (number !== NO_ENTITY && this.state.stateOf(kind.id, number) !== DELETED) return number;
    return this.#write(kind, key, number, NOTHING, 0, this.#now);
  }

  /** The tuple of a user that is there. Where dimensions have changed since it was last written, an entry says the new one. */
  tupleOf(kind: EntityKind, number: EntityNumber, key: string): TupleNumber {
    const tuple = this.state.tupleOf(kind.id, number);
    if (!this.#dimensionsChanged) return tuple;
    const now = this.#tupleWith(kind, number, NOTHING.attributes);
    if (now === tuple) return tuple;
    this.#write(
      kind,
      key,
      number,
      NOTHING,
      this.state.stateOf(kind.id, number),
      this.state.createdAt(kind.id, number),
    );
    return now;
  }

  /** Errors: INVALID_ARGUMENT, NOT_FOUND, TOO_LARGE. */
  put(draft: EntityDraft): 'accepted' | 'unchanged' {
    const kind = required('put', 'entity', this.#schema.kinds, draft.kind);
    const problem = keyProblem(`key of ${kind.name}`, draft.key);
    if (problem !== null) throw new TruthError('INVALID_ARGUMENT', problem);
    const number = this.state.find(kind.id, draft.key);
    const there = number !== NO_ENTITY && this.state.stateOf(kind.id, number) !== DELETED;
    if (draft.action === 'put') return this.#put(kind, draft, number, there);
    if (!there) return 'unchanged';
    const at = this.state.createdAt(kind.id, number);
    this.#write(kind, draft.key, number, { ...NOTHING, creator: null }, DELETED, at);
    return 'accepted';
  }

  #put(kind: EntityKind, draft: PutDraft, number: EntityNumber, there: boolean): 'accepted' | 'unchanged' {
    const place = `${kind.name} ${shownKey(draft.key)}`;
    const given = fieldsOf(kind, this.#fieldsByName(kind), draft.set, place);
    const attributes = given.attributes.filter(
      ({ attribute, value }) =>
        draft.again === true ||
        !sameValue(value, there ? this.state.value(kind.id, number, attribute) : null),
    );
    const fields = { ...given, attributes };
    const before = there ? this.state.stateOf(kind.id, number) : 0;
    const state = draft.state === null ? before : stateIndex(kind, draft.state, place);
    const created = there ? this.state.createdAt(kind.id, number) : this.#now;
    const at = draft.at ?? created;
    const problem = timeProblem(place, at, this.#now, LEAST_TIME);
    if (problem !== null) throw new TruthError('INVALID_ARGUMENT', problem);
    const same =
      there && attributes.length === 0 && given.embeddings.length === 0 && state === before && at === created;
    if (same && !this.#changesCreator(kind, number, given.creator)) return 'unchanged';
    this.#write(kind, draft.key, number, fields, state, at);
    return 'accepted';
  }

  #fieldsByName(kind: EntityKind): FieldsByName {
    let fields = this.#fields.get(kind.id);
    if (fields === undefined) {
      fields = new Map<string, Field>([
        ...kind.attributes.map((attribute) => [attribute.name, { attribute, slot: null }] as const),
        ...kind.embeddings.map((slot) => [slot.name, { attribute: null, slot }] as const),
      ]);
      this.#fields.set(kind.id, fields);
    }
    return fields;
  }

  #changesCreator(kind: EntityKind, number: EntityNumber, creator: Fields['creator']): boolean {
    if (creator === undefined || kind.creator === null) return false;
    const before = this.state.creatorOf(kind.id, number);
    return this.#knownCreator(kind, creator, before) !== before;
  }

  /** `own`: its number, or none when it has none yet. */
  #write(
    kind: EntityKind,
    key: string,
    own: EntityNumber,
    fields: Fields,
    state: number,
    at: Micros,
  ): EntityNumber {
    const created = own === NO_ENTITY;
    const number = created ? this.#nextNumber(kind.id) : own;
    const before = {
      creator: created ? NO_ENTITY : this.state.creatorOf(kind.id, number),
      state: created ? DELETED : this.state.stateOf(kind.id, number),
    };
    const bare = state === DELETED || before.state === DELETED;
    const known = this.#knownCreator(kind, fields.creator, before.creator);
    // That somebody is not there any more stays when they are erased, or what is not sealed for them would be back.
    const nameless = kind.person && state === DELETED;
    const named = nameless ? { key: NAMELESS, at: 0 as Micros } : { key, at };
    const draft: EntityEntry = {
      ...{ entry: 'entity', kind: kind.id, number, created, state, before, ...named },
      creator: known ?? NO_ENTITY,
      tuple:
        state === DELETED ? NO_TUPLE : this.#tupleWith(kind, bare ? NO_ENTITY : number, fields.attributes),
      attributes: fields.attributes,
      embeddings: fields.embeddings,
    };
    const payload = encodeEntity(draft);
    checkSize(payload.length, this.#entryBytesMax, `${kind.name} ${shownKey(key)}`);
    if (created && kind.person) this.#given.set(kind.id, number);
    const subject = kind.person && !nameless ? key : null;
    if (known !== null) this.#add(draft, payload, subject);
    else {
      // A creator that comes to be has an entry of its own, before this one.
      const entry = { ...draft, creator: this.#newCreator(kind, fields.creator!) };
      this.#add(entry, encodeEntity(entry), subject);
    }
    return number;
  }

  #add(entry: EntityEntry, payload: Uint8Array, subject: string | null): void {
    this.entries.push({ type: KERNEL_ENTRY.rankingEntity, payload, subject });
    this.state.evolve(entry, this.#schema, this.entries.length);
  }

  #nextNumber(kind: KindId): EntityNumber {
    const number = this.state.last(kind) + 1;
    if (number > NUMBER_MAX)
      throw new TruthError(
        'TOO_LARGE',
        `a kind holds ${NUMBER_MAX} entities, and they are used up: make another kind`,
      );
    return number as EntityNumber;
  }

  /** Number of the creator; null when it has to come to be first. */
  #knownCreator(kind: EntityKind, creator: Fields['creator'], before: EntityNumber): EntityNumber | null {
    if (creator === undefined) return before;
    if (creator === null || kind.creator === null) return NO_ENTITY;
    const number = this.state.find(kind.creator.kind, creator);
    const there = number !== NO_ENTITY && this.state.stateOf(kind.creator.kind, number) !== DELETED;
    return there ? number : null;
  }

  #newCreator({ creator }: EntityKind, key: string): EntityNumber {
    const makers = creator === null ? null : kindById(this.#schema, creator.kind);
    return makers === null ? NO_ENTITY : this.ensure(makers, key);
  }

  /** The tuple a user has with these attributes set over what is there (`number` none: over nothing). */
  #tupleWith(kind: EntityKind, number: EntityNumber, attributes: Attributes): TupleNumber {
    if (!isUserKind(this.#schema, kind.id)) return NO_TUPLE;
    const row = tupleRow(this.#schema, (id) => this.#valueWith(kind.id, number, attributes, id));
    if (isEmptyRow(row)) return NO_TUPLE;
    const found = this.state.findTuple(row);
    return found === NO_TUPLE ? ((this.state.lastTuple + 1) as TupleNumber) : found;
  }

  #valueWith(
    kind: KindId,
    number: EntityNumber,
    attributes: Attributes,
    id: AttributeId,
  ): AttributeValue | null {
    const given = attributes.find(({ attribute }) => attribute === id);
    if (given !== undefined) return given.value;
    return number === NO_ENTITY ? null : this.state.value(kind, number, id);
  }
}

function checkSize(bytes: number, bytesMax: number, what: string): void {
  if (bytes > bytesMax)
    throw new TruthError(
      'TOO_LARGE',
      `${what} takes ${bytes} bytes, more than the log's ${bytesMax} for one entry: make it smaller`,
    );
}

/** Everything named is an attribute, an embedding or the creator. */
function fieldsOf(
  kind: EntityKind,
  fields: FieldsByName,
  set: Readonly<Record<string, GivenField>>,
  place: string,
): Fields {
  const attributes: { attribute: AttributeId; value: AttributeValue | null }[] = [];
  const embeddings: Embeddings[number][] = [];
  let creator: Fields['creator'];
  for (const [name, given] of Object.entries(set)) {
    const at = `${place}, ${name}`;
    const field = fields.get(name);
    if (field === undefined) {
      if (name !== kind.creator?.name) throw unknownName(place, 'field', name, fieldNames(kind));
      creator = creatorKey(given, at);
    } else if (field.attribute !== null) {
      checkWritten(field.attribute, at);
      attributes.push({ attribute: field.attribute.id, value: attributeValue(field.attribute, given, at) });
    } else embeddings.push({ slot: field.slot.id, vector: embeddingValue(field.slot, given, at) });
  }
  return { attributes, embeddings, creator };
}

function fieldNames(kind: EntityKind): string[] {
  const creator = kind.creator === null ? [] : [kind.creator];
  return [...kind.attributes, ...kind.embeddings, ...creator].map(({ name }) => name);
}

function checkWritten(attribute: Attribute, place: string): void {
  if (attribute.computed !== null)
    throw refusedAt(place, 'it is computed when it is asked for', 'leave it out');
}

function creatorKey(given: GivenField, place: string): string | null {
  if (given === null) return null;
  const problem = keyProblem(place, given as string);
  if (problem !== null) throw new TruthError('INVALID_ARGUMENT', problem);
  return given as string;
}

function stateIndex(kind: EntityKind, name: string, place: string): number {
  const index = kind.states.indexOf(name);
  if (index < 0) throw unknownName(place, `state of ${kind.name}`, name, kind.states);
  return index;
}

function sameValue(a: AttributeValue | null, b: AttributeValue | null): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  return a.length === b.length && a.every((each, index) => each === b[index]);
}
