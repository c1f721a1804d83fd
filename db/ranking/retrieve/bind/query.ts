/** RETRIEVE and SEARCH with every name and key looked up. */
import { TruthError } from '../../../errors.ts';
import { type EntityNumber, NO_ENTITY } from '../../ground.ts';
import { required, USER_KIND, userKind } from '../../schema/lookup.ts';
import type { Attribute, Diversity, EntityKind, Predicate } from '../../schema/model.ts';
import { refusedAt } from '../../schema/names.ts';
import {
  type DiversityRule,
  type NumberOperand,
  numberValue,
  type Parameters,
  type QueryStatement,
  type SuggestStatement,
  textValue,
} from '../language/index.ts';
import type { Query } from '../query.ts';
import { asksForStates, predicateOf } from './conditions.ts';
import type { BindInput, BindScope } from './input.ts';
import { kindNamed } from './kinds.ts';
import { momentOf } from './moment.ts';
import { profileOf } from './profile.ts';
import { vectorOf } from './vector.ts';
import { clausesOf } from './within.ts';

const LIMIT = 20;
const LIMIT_MAX = 1_000;
const SUGGESTIONS = 10;
const TEXT_MAX = 10_000;

/**
 * What the executor carries out. Of AS OF only the time is taken, from `input.now`: the views were chosen by then (`asOfMoment`).
 *
 * Errors: NOT_FOUND for names (with the closest one in the details) and for keys without which the question means nothing,
 * INVALID_ARGUMENT and TOO_LARGE for what makes no sense; the message begins with the clause.
 */
export function bindQuery(statement: QueryStatement, input: BindInput): Query {
  const { schema } = input.entities;
  const kind = kindNamed(schema, statement.kind);
  const warnings: string[] = [];
  const scope: BindScope = { input, schema, kind, warn: (message) => warnings.push(message) };
  const isAsked = statement.user !== null;
  const user = userOf(statement, scope);
  const profile = profileOf(statement, scope);
  const { now, seed, cursor } = momentOf(statement, input);
  const { parameters } = input;
  return {
    verb: statement.statement,
    kind,
    user,
    profile,
    sort: statement.sort,
    context: statement.context,
    text: statement.text === null ? null : searchText(textValue(statement.text, parameters), 'QUERY'),
    vector: statement.vector === null ? null : vectorOf(statement.vector, kind, parameters),
    filter: filterOf(statement, scope),
    within: clausesOf(statement, { user, isAsked }, scope),
    exclude: excluded(statement, scope),
    diversity: diversityOf(statement.diversity, scope),
    window: statement.window,
    limit: limitOf(statement.limit, LIMIT, parameters),
    cursor,
    now,
    seed,
    explain: statement.explain,
    select: statement.select.map((name) => attributeOf(kind, name, 'SELECT')),
    warnings,
  };
}

/** Somebody nobody has heard of is answered as a newcomer, not refused. */
function userOf({ user }: QueryStatement, { input, schema, warn }: BindScope): EntityNumber {
  if (user === null) return NO_ENTITY;
  const kind = userKind(schema);
  if (kind === null)
    throw refusedAt('FOR USER', `the schema has no ${USER_KIND}`, 'define that entity first');
  const key = textValue(user, input.parameters);
  const number = input.entities.numberOf(kind.id, key);
  if (number === NO_ENTITY) {
    const shown = JSON.stringify(key.slice(0, 80).toWellFormed());
    warn(`FOR USER: nobody is known as ${shown}; the answer is that for somebody new`);
  }
  return number;
}

function searchText(text: string, place: string): string {
  if (text.length > TEXT_MAX) {
    throw new TruthError(
      'TOO_LARGE',
      `${place} has ${text.length} characters, at most ${TEXT_MAX} are looked for`,
    );
  }
  if (text.trim() === '') throw refusedAt(place, 'it is blank', 'say what to look for');
  return text;
}

function filterOf(
  { filter, window, user }: QueryStatement,
  { input, schema, kind, warn }: BindScope,
): Predicate | null {
  if (filter === null) return null;
  const where = { schema, kind, use: 'candidates', window, place: 'FILTER' } as const;
  const predicate = predicateOf(filter, input.parameters, where);
  if (user === null && asksForStates(predicate)) {
    warn('FILTER: it asks what a user has done, and the query is for nobody; say FOR USER @key');
  }
  return predicate;
}

/** Keys that nobody has exclude nothing. */
function excluded({ exclude }: QueryStatement, { input, kind }: BindScope): readonly EntityNumber[] {
  const numbers = new Set<EntityNumber>();
  for (const operand of exclude)
    numbers.add(input.entities.numberOf(kind.id, textValue(operand, input.parameters)));
  numbers.delete(NO_ENTITY);
  return [...numbers];
}

type WritableDiversity = { -readonly [Field in keyof Diversity]?: Diversity[Field] };

/** What is said of several rules of a sort stands together, but for the last of those that contradict each other. */
function diversityOf(rules: readonly DiversityRule[], { kind, warn }: BindScope): Partial<Diversity> {
  const diversity: WritableDiversity = {};
  for (const rule of rules) {
    if (rule.rule === 'creator') {
      diversity.perCreator = rule.max;
      if (kind.creator === null)
        warn(`DIVERSITY: ${kind.name} has no creator, so max_per_creator does nothing`);
    } else if (rule.rule === 'mix') {
      diversity.mix = rule.attribute === null ? null : grouping(kind, rule.attribute).id;
    } else {
      const { id } = grouping(kind, rule.attribute);
      const others = (diversity.perAttribute ?? []).filter(({ attribute }) => attribute !== id);
      diversity.perAttribute = [...others, { attribute: id, max: rule.max }];
    }
  }
  return diversity;
}

function grouping(kind: EntityKind, name: string): Attribute {
  const attribute = attributeOf(kind, name, 'DIVERSITY');
  const { type } = attribute;
  if (type === 'keyword' || type === 'integer' || type === 'boolean') return attribute;
  throw refusedAt('DIVERSITY', `${name} is ${type}`, 'use a keyword, an integer or a boolean');
}

function attributeOf(kind: EntityKind, name: string, place: string): Attribute {
  return required(place, `attribute of ${kind.name}`, kind.attributes, name);
}

function limitOf(limit: NumberOperand | null, usual: number, parameters: Parameters): number {
  if (limit === null) return usual;
  const value = numberValue(limit, parameters);
  if (Number.isInteger(value) && value >= 1 && value <= LIMIT_MAX) return value;
  throw refusedAt(
    'LIMIT',
    `${value} is no number of results`,
    `give a whole one from 1 to ${LIMIT_MAX}, and turn pages with CURSOR`,
  );
}

export interface BoundSuggest {
  readonly kind: EntityKind;
  readonly prefix: string;
  readonly limit: number;
}

/** Errors: those of `bindQuery`. */
export function bindSuggest(statement: SuggestStatement, input: BindInput): BoundSuggest {
  const { parameters, entities } = input;
  const kind = kindNamed(entities.schema, statement.kind);
  const prefix = textValue(statement.prefix, parameters);
  if (prefix.length > TEXT_MAX) throw new TruthError('TOO_LARGE', `PREFIX has ${prefix.length} characters`);
  return { kind, prefix, limit: limitOf(statement.limit, SUGGESTIONS, parameters) };
}
