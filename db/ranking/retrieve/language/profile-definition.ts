/**
 * DEFINE PROFILE name ON kind, then in any order:
 *
 *     CANDIDATES "(" source, … ")"
 *     SCORE "(" term, … ")"
 *     GATES "(" condition, … ")"
 *     EXPLORATION share WITHIN duration
 *     COMPOSE (SUM | PRODUCT)
 *     DIVERSITY rule, …
 *     PIN key AT place                                     as often as there are pins
 *     BOOST "(" conditions ")" BY factor                   as often as wanted
 *     BURY "(" conditions ")" [BY factor]
 *
 *     source  = (neighbours | text | new | all) [LIMIT n] | top signal.measure [LIMIT n]
 *             | similar embedding TO (user | query) [LIMIT n] | following relationship [LIMIT n]
 *     term    = stage ['label'] [weight "*"] (product | NORMALISED "(" arithmetic ")")
 */
import {
  DEFINITION_DEFAULTS,
  type DiversityDefinition,
  type MeasureDefinition,
  type ProfileDefinition,
  type ScalarDefinition,
  type SourceDefinition,
  type TermDefinition,
} from '../../schema/definition.ts';
import { COMPOSITIONS, TERM_STAGES, VECTOR_OWNERS } from '../../schema/model-shapes.ts';
import type { DiversityRule } from './ast.ts';
import { condition, conditions } from './conditions.ts';
import { diversityRules } from './diversity.ts';
import { printDefinition } from './print-definition.ts';
import { printScalar } from './print-scalar.ts';
import type { Reader } from './reader.ts';
import { invalid } from './refusal.ts';
import { measureOf, product, sum, weighted } from './scalars.ts';
import { withoutParameters } from './substitute.ts';

type Writable<T> = { -readonly [Field in keyof T]: T[Field] };
type Clauses = Writable<Omit<ProfileDefinition, 'define' | 'name' | 'kind' | 'text'>>;

const CLAUSES = [
  'candidates',
  'score',
  'gates',
  'exploration',
  'compose',
  'diversity',
  'pin',
  'boost',
  'bury',
] as const;
type Clause = (typeof CLAUSES)[number];
const REPEATED: ReadonlySet<Clause> = new Set(['pin', 'boost', 'bury']);

const LIMIT_MAX = 10_000;
const PLACE_MAX = 1_000;
/** Of what is buried and not said how deep. */
const BURIED = 0.1;

/** Errors: INVALID_ARGUMENT, TOO_LARGE. */
export function profile(reader: Reader): ProfileDefinition {
  const name = reader.name('the name of a profile');
  reader.expect('on');
  const kind = reader.name('the name of a kind');
  const clauses: Clauses = {
    candidates: [],
    terms: [],
    gates: [],
    exploration: null,
    composition: DEFINITION_DEFAULTS.composition,
    diversity: DEFINITION_DEFAULTS.diversity,
    pins: [],
    boosts: [],
  };
  const seen = new Set<Clause>();
  while (reader.isA('word') && !reader.is('rebuild') && !reader.is('cascade') && !reader.is('dry')) {
    const { start } = reader;
    const word = CLAUSES.find((known) => reader.accept(known));
    if (word === undefined)
      reader.fail(...CLAUSES.map((known) => known.toUpperCase()), 'REBUILD', 'CASCADE', 'DRY');
    if (seen.has(word) && !REPEATED.has(word)) {
      throw invalid(reader.text, start, `${word.toUpperCase()} is there twice; a profile has one`);
    }
    seen.add(word);
    clause(reader, word, clauses);
  }
  const definition: ProfileDefinition = { define: 'profile', name, kind, ...clauses, text: '' };
  return { ...definition, text: printDefinition(definition) };
}

function clause(reader: Reader, word: Clause, into: Clauses): void {
  switch (word) {
    case 'candidates':
      into.candidates = reader.enclosedOrNone('(', () => source(reader));
      return;
    case 'score':
      into.terms = reader.enclosedOrNone('(', () => term(reader));
      return;
    case 'gates':
      into.gates = reader.enclosedOrNone('(', () => withoutParameters(condition(reader)));
      return;
    case 'exploration': {
      const share = reader.signed('a share such as 0.1');
      reader.expect('within');
      into.exploration = { share, withinMicros: reader.duration(1) };
      return;
    }
    case 'compose':
      into.composition = reader.oneOf('composition', COMPOSITIONS);
      return;
    case 'diversity':
      into.diversity = diversityOf(diversityRules(reader));
      return;
    case 'pin':
      into.pins = [...into.pins, pin(reader)];
      return;
    case 'boost':
    case 'bury':
      into.boosts = [...into.boosts, boost(reader, word)];
      return;
  }
}

function pin(reader: Reader): ProfileDefinition['pins'][number] {
  if (!reader.isA('key')) reader.fail('the key of an item, such as @i1');
  const key = reader.value;
  reader.next();
  reader.expect('at');
  return { key, place: reader.whole('a place', 1, PLACE_MAX) };
}

function boost(reader: Reader, word: 'boost' | 'bury'): ProfileDefinition['boosts'][number] {
  const predicate = withoutParameters(reader.enclosed('(', () => conditions(reader)));
  if (word === 'bury' && !reader.is('by')) return { predicate, factor: BURIED };
  reader.expect('by');
  return { predicate, factor: reader.signed('a factor such as 1.2') };
}

/** Errors: none. Of rules that contradict each other the last one holds. */
export function diversityOf(rules: readonly DiversityRule[]): DiversityDefinition {
  let { perCreator, perAttribute, mix } = DEFINITION_DEFAULTS.diversity;
  for (const rule of rules) {
    if (rule.rule === 'creator') perCreator = rule.max;
    else if (rule.rule === 'mix') mix = rule.attribute;
    else {
      const others = perAttribute.filter(({ attribute }) => attribute !== rule.attribute);
      perAttribute = [...others, { attribute: rule.attribute, max: rule.max }];
    }
  }
  return { perCreator, perAttribute, mix };
}

const SOURCES = ['neighbours', 'text', 'new', 'all', 'top', 'similar', 'following'] as const;

function source(reader: Reader): SourceDefinition {
  const { start } = reader;
  if (reader.accept('neighbors')) return { source: 'neighbours', limit: limit(reader) };
  const word = reader.oneOf('source of candidates', SOURCES);
  switch (word) {
    case 'top': {
      const signal = reader.name('the name of a signal');
      const measure: MeasureDefinition = reader.isSign('.') ? measureOf(reader) : { measure: 'score' };
      return { source: 'top', signal, measure, limit: limit(reader) };
    }
    case 'similar': {
      const slot = reader.name('the name of an embedding');
      reader.expect('to');
      const to = reader.oneOf('owner of a vector', VECTOR_OWNERS);
      return { source: 'similar', slot, to, limit: limit(reader) };
    }
    case 'following': {
      if (!reader.isA('word') || reader.is('limit')) {
        throw invalid(reader.text, start, 'following wants the name of a relationship: following follows');
      }
      return { source: 'following', relationship: reader.name('the name'), limit: limit(reader) };
    }
    default:
      return { source: word, limit: limit(reader) };
  }
}

function limit(reader: Reader): number {
  if (!reader.accept('limit')) return DEFINITION_DEFAULTS.candidateLimit;
  return reader.whole('a number of candidates', 1, LIMIT_MAX);
}

function term(reader: Reader): TermDefinition {
  const stage = reader.accept('personalization') ? 'personalisation' : reader.oneOf('stage', TERM_STAGES);
  let label: string | null = null;
  if (reader.isA('text')) {
    label = reader.value;
    reader.next();
  }
  const { weight, of, normalised } = measured(reader);
  return { stage, label: label ?? printScalar(of), weight, of, normalised };
}

function measured(reader: Reader): Pick<TermDefinition, 'weight' | 'of' | 'normalised'> {
  if (isNormalised(reader)) return { weight: 1, of: normalisedOf(reader), normalised: true };
  const { weight, of } = weighted(reader);
  if (of !== null) return { weight, of, normalised: false };
  if (isNormalised(reader)) return { weight, of: normalisedOf(reader), normalised: true };
  return { weight, of: product(reader), normalised: false };
}

function isNormalised(reader: Reader): boolean {
  return reader.is('normalised') || reader.is('normalized');
}

function normalisedOf(reader: Reader): ScalarDefinition {
  reader.next();
  return reader.enclosed('(', () => sum(reader));
}
