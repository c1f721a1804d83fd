/**
 * Whether a thing of the schema makes sense in it. Each function throws the first problem it finds, as INVALID_ARGUMENT with
 * the place. Everything is looked at by id: what was fine when it was defined may have lost what it stood on.
 */

import { MICROS_PER_DAY, MICROS_PER_SECOND } from '../ground.ts';
import {
  aboutKind,
  checkEdge,
  checkMeasure,
  checkPredicate,
  checkScalar,
  checkSimilarity,
  type TermsScope,
} from './check-terms.ts';
import {
  ITEM_KIND,
  kindById,
  named,
  relationshipById,
  slotBehind,
  slotById,
  USER_KIND,
  userKind,
} from './lookup.ts';
import type {
  Attribute,
  CandidateSource,
  Cohort,
  Decay,
  Effect,
  EmbeddingSlot,
  EntityKind,
  Profile,
  RankingSchema,
  RelationshipType,
  SignalType,
} from './model.ts';
import { refusedAt } from './names.ts';

/** A schema as it would be, and as it is. */
export interface CheckScope {
  readonly schema: RankingSchema;
  readonly before: RankingSchema;
  /**
   * Whether derived embeddings have to have one of their shape behind them. It is checked of what is defined alone: while items
   * and users change to vectors of another length one after the other, preferences stand still.
   */
  readonly derived: 'checked' | 'unchecked';
}

const ATTRIBUTES_MAX = 256;
const EMBEDDINGS_MAX = 16;
const DIMENSIONS_MAX = 4_096;
const STATES_MAX = 16;
const EFFECTS_MAX = 32;
const PARTS_MAX = 64;
const PINS_MAX = 1_000;
const CANDIDATES_MAX = 100_000;
const RATE_MAX = 10;
const TEXT_CHARACTERS_MAX = 65_536;
const LABEL_CHARACTERS_MAX = 128;
const KEY_BYTES_MAX = 256;
const LIFETIME_MICROS_MAX = 36_500 * MICROS_PER_DAY;
export const ACTIVE_STATE = 'active';

export function checkKind({ schema, before, derived }: CheckScope, kind: EntityKind): void {
  const place = `entity ${kind.name}`;
  atMost(kind.attributes.length, ATTRIBUTES_MAX, 'attributes', place);
  atMost(kind.embeddings.length, EMBEDDINGS_MAX, 'embeddings', place);
  atMost(kind.states.length, STATES_MAX, 'states', place);
  if (!kind.states.includes(ACTIVE_STATE))
    throw refusedAt(
      place,
      `its states are ${kind.states.join(', ')}`,
      `name one ${ACTIVE_STATE}: only those are found`,
    );
  for (const attribute of kind.attributes) {
    const at = `${place}, attribute ${attribute.name}`;
    checkAttribute(kind, attribute, at);
    if (attribute.computed === null) continue;
    checkScalar({ schema, before, kind, use: 'computed' }, attribute.computed, at);
  }
  for (const slot of kind.embeddings) {
    const at = `${place}, embedding ${slot.name}`;
    checkSlot(kind, slot, at);
    if (derived === 'checked') checkDerived(schema, kind, slot, at);
  }
  if (kind.creator !== null && kindById(schema, kind.creator.kind) === null)
    throw refusedAt(place, 'the kind of its creator is not there', 'define that first');
}

export function checkSignal(scope: CheckScope, signal: SignalType): void {
  const place = `signal ${signal.name}`;
  const kind = kindById(scope.schema, signal.target);
  if (kind === null)
    throw refusedAt(place, 'the kind it is about is not there', 'drop it, or define that anew');
  checkDecay(signal.decay, place);
  checkWeight(signal.weight, place);
  if (signal.lateMicros > LIFETIME_MICROS_MAX)
    throw refusedAt(place, 'it takes events of any age for timely', 'give LATE of at most 100 years');
  atMost(signal.effects.length, EFFECTS_MAX, 'effects', place);
  const terms = candidateTerms(scope, kind);
  for (const effect of signal.effects) checkEffect(terms, effect, `${place}, effect ${effect.effect}`);
}

export function checkRelationship({ schema }: CheckScope, relationship: RelationshipType): void {
  const place = `relationship ${relationship.name}`;
  const ends = [relationship.from, relationship.to];
  if (ends.some((end) => kindById(schema, end) === null))
    throw refusedAt(place, 'a kind it connects is not there', 'drop it, or define that anew');
  if (relationship.decay.kind === 'linear')
    throw refusedAt(place, 'edges do not decay linearly', 'use an exponential half-life, or none');
  checkDecay(relationship.decay, place);
  checkWeight(relationship.weight, place);
}

export function checkCohort(scope: CheckScope, cohort: Cohort): void {
  const place = `cohort ${cohort.name}`;
  checkText(cohort.text, place);
  const kind = userKind(scope.schema);
  if (kind === null)
    throw refusedAt(place, `cohorts are of the kind ${USER_KIND}`, 'define that entity first');
  checkPredicate({ ...scope, kind, use: 'dimensions' }, cohort.predicate, place);
}

export function checkProfile(scope: CheckScope, profile: Profile): void {
  const place = `profile ${profile.name}`;
  const kind = kindById(scope.schema, profile.kind);
  if (kind === null) throw refusedAt(place, 'the kind it ranks is not there', 'drop it, or define that anew');
  const terms = candidateTerms(scope, kind);
  atMost(profile.candidates.length, PARTS_MAX, 'candidate sources', place);
  atMost(profile.terms.length, PARTS_MAX, 'terms', place);
  atMost(profile.gates.length, PARTS_MAX, 'gates', place);
  atMost(profile.boosts.length, PARTS_MAX, 'boosts', place);
  atMost(profile.pins.length, PINS_MAX, 'pins', place);
  checkText(profile.text, place);
  for (const [index, source] of profile.candidates.entries())
    checkSource(terms, source, `${place}, candidates ${index + 1} (${source.source})`);
  for (const [index, term] of profile.terms.entries()) {
    if (term.label.length > LABEL_CHARACTERS_MAX)
      throw refusedAt(
        `${place}, term ${index + 1}`,
        'its label is too long',
        `use at most ${LABEL_CHARACTERS_MAX} characters`,
      );
    const at = `${place}, term ${index + 1} (${term.label})`;
    finite(term.weight, at);
    checkScalar(terms, term.of, at);
  }
  for (const [index, gate] of profile.gates.entries())
    checkPredicate(terms, gate, `${place}, gate ${index + 1}`);
  for (const [index, { predicate, factor }] of profile.boosts.entries()) {
    const at = `${place}, boost ${index + 1}`;
    finite(factor, at);
    checkPredicate(terms, predicate, at);
  }
  checkComposition(profile, kind, place);
}

function candidateTerms({ schema, before, derived }: CheckScope, kind: EntityKind): TermsScope {
  return { schema, before, kind, use: derived === 'checked' ? 'candidates' : 'standing' };
}

function checkComposition({ exploration, diversity, pins }: Profile, kind: EntityKind, place: string): void {
  if (exploration !== null && !(exploration.share >= 0 && exploration.share <= 1))
    throw refusedAt(place, `it explores a share of ${exploration.share}`, 'give one from 0 to 1');
  const grouped = [...diversity.perAttribute.map(({ attribute }) => attribute), diversity.mix];
  for (const id of grouped) {
    const attribute = kind.attributes.find((each) => each.id === id);
    const plain =
      attribute?.type === 'keyword' || attribute?.type === 'boolean' || attribute?.type === 'integer';
    if (id !== null && !plain)
      throw refusedAt(
        `${place}, diversity`,
        `${attribute?.name ?? `attribute ${id}`} is ${attribute?.type ?? 'not there'}`,
        'use a keyword, an integer or a boolean',
      );
  }
  if (pins.some(({ key }) => key.length === 0 || Buffer.byteLength(key) > KEY_BYTES_MAX))
    throw refusedAt(`${place}, pins`, 'a key is empty or too long', `give 1 to ${KEY_BYTES_MAX} bytes`);
  const places = pins.map((pin) => pin.place);
  if (new Set(places).size !== places.length)
    throw refusedAt(`${place}, pins`, 'two are at the same place', 'give each its own');
}

function checkSource(terms: TermsScope, source: CandidateSource, place: string): void {
  if (source.limit > CANDIDATES_MAX)
    throw refusedAt(place, `a limit of ${source.limit}`, `give at most ${CANDIDATES_MAX}`);
  if (source.source === 'top')
    checkMeasure(terms, aboutKind(terms, source.signal, place), source.measure, place);
  else if (source.source === 'similar') checkSimilarity(terms, source.slot, source.to, place);
  else if (source.source === 'following') checkFollowing(terms, source.relationship, place);
}

/** Followed are creators of the candidates, or the candidates themselves. */
function checkFollowing(terms: TermsScope, id: RelationshipType['id'], place: string): void {
  const { kind, schema } = terms;
  const toCreator = kind.creator !== null && relationshipById(schema, id)?.to === kind.creator.kind;
  checkEdge(terms, { relationship: id, to: toCreator ? 'creator' : 'target' }, place);
}

function checkAttribute(kind: EntityKind, attribute: Attribute, place: string): void {
  const { type, search, filter, dimension } = attribute;
  const searchable = type === 'text' || type === 'keyword' || type === 'keywords';
  if (search !== null && !searchable)
    throw refusedAt(place, `${type} cannot be searched in`, 'search in text, keyword or keywords');
  if (search !== null && !(Number.isFinite(search.weight) && search.weight > 0))
    throw refusedAt(place, `its weight in searches is ${search.weight}`, 'give a number above 0');
  if (filter && type === 'text')
    throw refusedAt(place, 'text cannot be filtered by', 'make it a keyword, or no FILTER');
  if (dimension && kind.name !== USER_KIND)
    throw refusedAt(
      place,
      `only ${USER_KIND} has dimensions`,
      `move it to ${USER_KIND}, or leave DIMENSION out`,
    );
  const countable = type === 'keyword' || type === 'boolean' || type === 'integer';
  if (dimension && !(countable && filter))
    throw refusedAt(
      place,
      `${type} is no dimension`,
      'use a keyword, boolean or integer that can be filtered by',
    );
  const numeric = type === 'double' || type === 'integer';
  if (attribute.computed !== null && (!numeric || search !== null || dimension))
    throw refusedAt(place, 'it is computed', 'make it a double that is neither searched nor a dimension');
}

function checkSlot(kind: EntityKind, slot: EmbeddingSlot, place: string): void {
  if (slot.dimensions > DIMENSIONS_MAX)
    throw refusedAt(place, `it has ${slot.dimensions} dimensions`, `give at most ${DIMENSIONS_MAX}`);
  if (slot.source === 'preference' && kind.name !== USER_KIND)
    throw refusedAt(place, `only ${USER_KIND} has preferences`, `move it there, or use another source`);
}

function checkDerived(schema: RankingSchema, kind: EntityKind, slot: EmbeddingSlot, place: string): void {
  if (slot.source === 'given') return;
  const items = named(schema.kinds, ITEM_KIND);
  if (items === null || items.id === kind.id) {
    if (items !== null) throw refusedAt(place, `${kind.name} has no ${slot.source}`, 'use the source given');
    return;
  }
  if (slotBehind(items, slot) === null)
    throw refusedAt(
      place,
      `${ITEM_KIND} has no given embedding of ${slot.dimensions} dimensions`,
      `give both as many, best under the name ${slot.name}`,
    );
}

function checkEffect(terms: TermsScope, effect: Effect, place: string): void {
  if (effect.effect === 'state') return;
  if (effect.effect === 'relationship') {
    finite(effect.delta, place);
    if (!(Number.isFinite(effect.min) && Number.isFinite(effect.max) && effect.min <= effect.max))
      throw refusedAt(
        place,
        `it is clamped to ${effect.min} … ${effect.max}`,
        'give two numbers, the smaller first',
      );
    checkEdge(terms, effect, place);
    return;
  }
  if (!(Math.abs(effect.rate) <= RATE_MAX))
    throw refusedAt(place, `a rate of ${effect.rate}`, `give one from -${RATE_MAX} to ${RATE_MAX}`);
  const users = userKind(terms.schema);
  const slot = users === null ? null : slotById(users, effect.slot);
  if (slot?.source !== 'preference')
    throw refusedAt(place, `the preference it moves is not there`, `define ${USER_KIND} with that embedding`);
  if (terms.use !== 'standing' && slotBehind(terms.kind, slot) === null)
    throw refusedAt(
      place,
      `${terms.kind.name} has no given embedding of ${slot.dimensions} dimensions`,
      'give both as many',
    );
}

function checkDecay(decay: Decay, place: string): void {
  if (decay.kind === 'none') return;
  const micros = decay.kind === 'linear' ? decay.lifetimeMicros : decay.halfLifeMicros;
  if (!(micros >= MICROS_PER_SECOND && micros <= LIFETIME_MICROS_MAX))
    throw refusedAt(
      place,
      `it decays in ${micros} microseconds`,
      'give a second at least and 100 years at most',
    );
}

function checkWeight({ min, max, default: usual }: SignalType['weight'], place: string): void {
  const ordered = Number.isFinite(min) && Number.isFinite(max) && min <= usual && usual <= max;
  if (!ordered)
    throw refusedAt(
      place,
      `weights from ${min} to ${max}, ${usual} where none is given`,
      'give three finite numbers, the usual one between the others',
    );
}

function checkText(text: string, place: string): void {
  if (text.length > TEXT_CHARACTERS_MAX)
    throw refusedAt(place, `its text has ${text.length} characters`, `give at most ${TEXT_CHARACTERS_MAX}`);
}

function finite(value: number, place: string): void {
  if (!Number.isFinite(value)) throw refusedAt(place, `${value} is no number`, 'give a finite one');
}

function atMost(count: number, most: number, what: string, place: string): void {
  if (count > most) throw refusedAt(place, `${count} ${what}`, `give at most ${most}`);
}
