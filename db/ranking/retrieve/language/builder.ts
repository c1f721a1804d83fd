/**
 * Statements from calls, with the same AST as their text:
 *
 *     retrieve('items').forUser('u1').using('for_you').filter(isNot('seen'), attribute('year').atLeast(2000)).limit(50)
 *     search('items').query('jazz').within(trending({ signal: 'view', window: '24h' }), cohort('us_young')).limit(20)
 *
 * A builder is never changed: each call makes another. `statement` is what it has become, `toString()` its text.
 */
import type { Micros } from '../../ground.ts';
import type { MeasureDefinition, ScalarDefinition } from '../../schema/definition.ts';
import type { UserItemState, WindowName } from '../../schema/model.ts';
import type { SortMode } from '../query.ts';
import {
  allOf,
  type Condition,
  type DiversityRule,
  type KeyOperand,
  type NumberOperand,
  type Parameter,
  type QueryStatement,
  type TextOperand,
  type TimeOperand,
  type WithinClause,
} from './ast.ts';
import { parseCondition, parseScalar } from './parse.ts';
import { print } from './print.ts';
import { NO_CLAUSES } from './queries.ts';

/** Text as it may stand behind FILTER: `'unseen, format:video'`. */
type ConditionText = string;

export function retrieve(kind: string): QueryBuilder {
  return new QueryBuilder({ statement: 'retrieve', kind, ...NO_CLAUSES, explain: false });
}

/** It wants `query`, `vector`, or both. */
export function search(kind: string): QueryBuilder {
  return new QueryBuilder({ statement: 'search', kind, ...NO_CLAUSES, explain: false });
}

/** A value that is given with the statement. */
export function parameter(name: string): Parameter {
  return { parameter: name };
}

export class QueryBuilder {
  readonly statement: QueryStatement;

  constructor(statement: QueryStatement) {
    this.statement = statement;
  }

  /** Errors: INVALID_ARGUMENT for numbers that are not finite. */
  toString(): string {
    return print(this.statement);
  }

  query(text: TextOperand): QueryBuilder {
    return this.#with({ text });
  }

  vector(values: ArrayLike<number> | Parameter): QueryBuilder {
    return this.#with({ vector: { values: numbersOf(values), slot: null } });
  }

  /** Compared with this embedding. */
  vectorOn(slot: string, values: ArrayLike<number> | Parameter): QueryBuilder {
    return this.#with({ vector: { values: numbersOf(values), slot } });
  }

  forUser(user: KeyOperand): QueryBuilder {
    return this.#with({ user });
  }

  context(context: string): QueryBuilder {
    return this.#with({ context });
  }

  using(name: string): QueryBuilder {
    return this.#with({ profile: { name, version: null } });
  }

  usingVersion(name: string, version: number): QueryBuilder {
    return this.#with({ profile: { name, version } });
  }

  sortBy(sort: SortMode): QueryBuilder {
    return this.#with({ sort });
  }

  /** All of them, and those of earlier calls. Errors: INVALID_ARGUMENT for text that is no condition. */
  filter(...conditions: readonly (Condition | ConditionText)[]): QueryBuilder {
    const before = this.statement.filter === null ? [] : [this.statement.filter];
    const added = conditions.map((each) => (typeof each === 'string' ? parseCondition(each) : each));
    const every = [...before, ...added];
    return every.length === 0 ? this : this.#with({ filter: allOf(every) });
  }

  /** Outermost first, behind those of earlier calls. */
  within(...clauses: readonly WithinClause[]): QueryBuilder {
    return this.#with({ within: [...this.statement.within, ...clauses] });
  }

  exclude(...keys: readonly KeyOperand[]): QueryBuilder {
    return this.#with({ exclude: [...this.statement.exclude, ...keys] });
  }

  maxPerCreator(max: number | 'any'): QueryBuilder {
    return this.#diverse({ rule: 'creator', max: max === 'any' ? null : max });
  }

  maxPer(attribute: string, max: number): QueryBuilder {
    return this.#diverse({ rule: 'attribute', attribute, max });
  }

  mix(attribute: string): QueryBuilder {
    return this.#diverse({ rule: 'mix', attribute });
  }

  /** Of measures that name none. */
  window(window: WindowName): QueryBuilder {
    return this.#with({ window });
  }

  limit(limit: NumberOperand): QueryBuilder {
    return this.#with({ limit });
  }

  cursor(cursor: TextOperand): QueryBuilder {
    return this.#with({ cursor });
  }

  /** Microseconds since 1970. */
  at(time: Micros | Parameter): QueryBuilder {
    return this.#with({ moment: { moment: 'at', time } });
  }

  asOfPosition(position: NumberOperand): QueryBuilder {
    return this.#with({ moment: { moment: 'as of position', position } });
  }

  asOfTimestamp(time: TimeOperand): QueryBuilder {
    return this.#with({ moment: { moment: 'as of timestamp', time } });
  }

  seed(seed: NumberOperand): QueryBuilder {
    return this.#with({ seed });
  }

  select(...attributes: readonly string[]): QueryBuilder {
    return this.#with({ select: [...this.statement.select, ...attributes] });
  }

  explain(): QueryBuilder {
    return this.#with({ explain: true });
  }

  #diverse(rule: DiversityRule): QueryBuilder {
    return this.#with({ diversity: [...this.statement.diversity, rule] });
  }

  #with(clauses: Partial<QueryStatement>): QueryBuilder {
    return new QueryBuilder({ ...this.statement, ...clauses });
  }
}

function numbersOf(values: ArrayLike<number> | Parameter): readonly number[] | Parameter {
  return 'parameter' in values ? values : Array.from(values);
}

export function is(state: UserItemState): Condition {
  return { test: 'state', state, set: true };
}

export function isNot(state: UserItemState): Condition {
  return { test: 'state', state, set: false };
}

export function not(of: Condition): Condition {
  return { test: 'not', of };
}

export function attribute(name: string): AttributeTests {
  return new AttributeTests(name);
}

class AttributeTests {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  equals(value: string | number | boolean | Parameter): Condition {
    return this.#compared('=', value);
  }

  differsFrom(value: string | number | boolean | Parameter): Condition {
    return this.#compared('<>', value);
  }

  below(value: string | number | Parameter): Condition {
    return this.#compared('<', value);
  }

  atMost(value: string | number | Parameter): Condition {
    return this.#compared('<=', value);
  }

  above(value: string | number | Parameter): Condition {
    return this.#compared('>', value);
  }

  atLeast(value: string | number | Parameter): Condition {
    return this.#compared('>=', value);
  }

  /** Both ends belong to it. */
  between(low: string | number | Parameter, high: string | number | Parameter): Condition {
    return { test: 'between', attribute: this.name, low, high };
  }

  oneOf(...values: readonly (string | number | Parameter)[]): Condition {
    return { test: 'in', attribute: this.name, values };
  }

  has(value: TextOperand): Condition {
    return { test: 'has', attribute: this.name, value };
  }

  hasAny(): Condition {
    return { test: 'has', attribute: this.name, value: null };
  }

  #compared(
    operator: '=' | '<>' | '<' | '<=' | '>' | '>=',
    value: string | number | boolean | Parameter,
  ): Condition {
    return { test: 'compare', attribute: this.name, operator, value };
  }
}

/** `measure('view', { measure: 'count', window: '24h' }).above(10)` */
export function measure(signal: string, of: MeasureDefinition): ScalarTests {
  return new ScalarTests({ scalar: 'signal', signal, measure: of });
}

/** Arithmetic as text, `scalar('like.count(all) / view.count(all)').above(0.1)`. Errors: INVALID_ARGUMENT. */
export function scalar(text: string): ScalarTests {
  return new ScalarTests(parseScalar(text));
}

class ScalarTests {
  readonly scalar: ScalarDefinition;

  constructor(scalar: ScalarDefinition) {
    this.scalar = scalar;
  }

  below(value: NumberOperand): Condition {
    return { test: 'feature', feature: this.scalar, operator: '<', value };
  }

  atMost(value: NumberOperand): Condition {
    return { test: 'feature', feature: this.scalar, operator: '<=', value };
  }

  above(value: NumberOperand): Condition {
    return { test: 'feature', feature: this.scalar, operator: '>', value };
  }

  atLeast(value: NumberOperand): Condition {
    return { test: 'feature', feature: this.scalar, operator: '>=', value };
  }
}

type Trend = Partial<
  Pick<Extract<WithinClause, { readonly clause: 'trending' }>, 'signal' | 'window' | 'top'>
>;

const ANY_TREND = { signal: null, window: null, top: null } as const;

export function trending(trend: Trend): WithinClause {
  return { clause: 'trending', ...ANY_TREND, ...trend };
}

/** What those trend with who belong to the cohort, by its name or by a condition on users. */
export function cohort(who: string | Condition, trend: Trend): WithinClause {
  return { clause: 'cohort', cohort: who, ...ANY_TREND, ...trend };
}

export function following(relationship: string): WithinClause {
  return { clause: 'following', relationship, top: null };
}

export function relatedTo(item: KeyOperand): WithinClause {
  return { clause: 'related', item, top: null };
}

/** What the user has saved, liked, … */
export function having(state: UserItemState): WithinClause {
  return { clause: 'state', state };
}

export function matching(text: TextOperand): WithinClause {
  return { clause: 'search', text, top: null };
}

export function madeBy(creator: KeyOperand): WithinClause {
  return { clause: 'creator', creator };
}

export function among(...items: readonly KeyOperand[]): WithinClause {
  return { clause: 'items', items };
}
