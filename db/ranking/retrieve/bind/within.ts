/** The clauses of WITHIN. */

import type { EntityNumber, RelationshipId, SignalId } from '../../ground.ts';
import { aboutKind, checkMeasure } from '../../schema/check-terms.ts';
import { kindById, longestWindow, named, required, userKind } from '../../schema/lookup.ts';
import type { EntityKind, Predicate, RelationshipType, WindowName } from '../../schema/model.ts';
import { refusedAt } from '../../schema/names.ts';
import {
  type Condition,
  printConditions,
  type QueryStatement,
  textValue,
  type WithinClause,
} from '../language/index.ts';
import type { CandidateClause } from '../query.ts';
import { predicateOf } from './conditions.ts';
import type { BindScope } from './input.ts';
import { numberOf } from './kinds.ts';

/** Candidates of a clause that does not say how many. */
const TOP = { trending: 1_000, cohort: 1_000, following: 1_000, related: 500, search: 1_000 } as const;
const USUAL_WINDOW: WindowName = '24h';
const USUAL_RELATIONSHIP = 'follows';
/** Of keys in a message. */
const SHOWN_KEYS = 5;

/** Whom the query is for; `asked`: whether it says so, though nobody may be known by the key. */
interface Asker {
  readonly user: EntityNumber;
  readonly isAsked: boolean;
}

/** In the order they are carried out. Errors: NOT_FOUND, INVALID_ARGUMENT. */
export function clausesOf(
  statement: QueryStatement,
  asker: Asker,
  scope: BindScope,
): readonly CandidateClause[] {
  return statement.within.toReversed().map((clause) => clauseOf(clause, statement.window, asker, scope));
}

function clauseOf(
  clause: WithinClause,
  window: WindowName | null,
  asker: Asker,
  scope: BindScope,
): CandidateClause {
  const { input, kind } = scope;
  switch (clause.clause) {
    case 'trending': {
      const limit = clause.top ?? TOP.trending;
      return { clause: 'trending', ...trendOf(clause, window, 'WITHIN TRENDING', scope), limit };
    }
    case 'cohort': {
      const { name, predicate } = cohortOf(clause.cohort, scope);
      const limit = clause.top ?? TOP.cohort;
      return { clause: 'cohort', name, predicate, ...trendOf(clause, window, 'WITHIN COHORT', scope), limit };
    }
    case 'following': {
      wantUser(asker, 'WITHIN FOLLOWING');
      const relationship = relationshipOf(clause.relationship, scope);
      return { clause: 'following', relationship, user: asker.user, limit: clause.top ?? TOP.following };
    }
    case 'related': {
      const key = textValue(clause.item, input.parameters);
      const item = numberOf(input.entities, kind, key, 'RELATED TO');
      return { clause: 'related', item, limit: clause.top ?? TOP.related };
    }
    case 'state':
      wantUser(asker, `WITHIN ${clause.state.toUpperCase()}`);
      return { clause: 'state', state: clause.state, user: asker.user };
    case 'search': {
      const text = textValue(clause.text, input.parameters);
      return { clause: 'search', text, limit: clause.top ?? TOP.search };
    }
    case 'creator': {
      const key = textValue(clause.creator, input.parameters);
      return {
        clause: 'creator',
        creator: numberOf(input.entities, creatorKind(scope), key, 'WITHIN CREATOR'),
      };
    }
    case 'items':
      return { clause: 'items', items: itemsOf(clause.items, scope) };
  }
}

interface Trend {
  readonly signal: SignalId | null;
  readonly window: WindowName;
}

/** The clause's window, the query's, or a day where the signal keeps that. */
function trendOf(
  clause: { readonly signal: string | null; readonly window: WindowName | null },
  asked: WindowName | null,
  place: string,
  { schema, kind }: BindScope,
): Trend {
  const window = clause.window ?? asked;
  if (clause.signal === null) return { signal: null, window: window ?? USUAL_WINDOW };
  const terms = { schema, before: schema, kind, use: 'candidates' } as const;
  const signal = aboutKind(terms, required(place, 'signal', schema.signals, clause.signal).id, place);
  if (window === null) {
    const usual = signal.windows.includes(USUAL_WINDOW) ? USUAL_WINDOW : longestWindow(signal);
    return { signal: signal.id, window: usual };
  }
  checkMeasure(terms, signal, { measure: 'velocity', window }, place);
  return { signal: signal.id, window };
}

function cohortOf(
  who: string | Condition,
  { schema, input }: BindScope,
): { readonly name: string; readonly predicate: Predicate } {
  const place = 'WITHIN COHORT';
  if (typeof who === 'string') return required(place, 'cohort', schema.cohorts, who);
  const kind = userKind(schema);
  if (kind === null) throw refusedAt(place, 'cohorts are of users', 'define the entity user first');
  const predicate = predicateOf(who, input.parameters, {
    schema,
    kind,
    use: 'dimensions',
    window: null,
    place,
  });
  return { name: printConditions(who), predicate };
}

function wantUser({ isAsked }: Asker, place: string): void {
  if (!isAsked) throw refusedAt(place, 'nobody is asked for', 'say whose: FOR USER @key');
}

function relationshipOf(name: string | null, { schema, kind }: BindScope): RelationshipId {
  const place = 'WITHIN FOLLOWING';
  const from = userKind(schema)?.id;
  const leads = ({ from: start, to }: RelationshipType): boolean =>
    start === from && (to === kind.id || to === kind.creator?.kind);
  if (name !== null) {
    const found = required(place, 'relationship', schema.relationships, name);
    if (leads(found)) return found.id;
    throw refusedAt(
      place,
      `${name} does not lead from users to ${kind.name} or its creator`,
      'use one that does',
    );
  }
  const fitting = schema.relationships.filter(leads);
  const only = fitting.length === 1 ? fitting[0]! : named(fitting, USUAL_RELATIONSHIP);
  if (only !== null) return only.id;
  const names = fitting.map((each) => each.name).join(', ');
  throw names === ''
    ? refusedAt(place, `no relationship leads from users to ${kind.name} or its creator`, 'define one first')
    : refusedAt(place, `${names} all lead there`, `say which: FOLLOWING ${fitting[0]!.name}`);
}

function creatorKind({ schema, kind }: BindScope): EntityKind {
  const found = kind.creator === null ? null : kindById(schema, kind.creator.kind);
  if (found !== null) return found;
  throw refusedAt(
    'WITHIN CREATOR',
    `${kind.name} has no creator`,
    'define it with one: … REFERENCES creator',
  );
}

/** Keys that nobody has are left out: who reranks a list from elsewhere wants an answer for the rest. */
function itemsOf(
  keys: Extract<WithinClause, { readonly clause: 'items' }>['items'],
  { input, kind, warn }: BindScope,
): readonly EntityNumber[] {
  const numbers = new Set<EntityNumber>();
  const unknown: string[] = [];
  for (const operand of keys) {
    const key = textValue(operand, input.parameters);
    const number = input.entities.numberOf(kind.id, key);
    if (number === 0) unknown.push(key);
    else numbers.add(number);
  }
  if (unknown.length > 0) {
    const shown = unknown.slice(0, SHOWN_KEYS).map((key) => JSON.stringify(key));
    const more = unknown.length > SHOWN_KEYS ? ', …' : '';
    warn(
      `WITHIN ITEMS: ${unknown.length} of ${keys.length} are not known and left out: ${shown.join(', ')}${more}`,
    );
  }
  return [...numbers];
}
