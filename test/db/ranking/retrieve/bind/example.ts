/** A schema made of the language's example definitions, with a few entities, to bind statements against. */
import type { EntityNumber, KindId, Micros } from '../../../../../db/ranking/ground.ts';
import { type BindInput, bindQuery } from '../../../../../db/ranking/retrieve/bind/index.ts';
import {
  type DefineStatement,
  type Parameters,
  parse,
  parseScript,
  type QueryStatement,
} from '../../../../../db/ranking/retrieve/language/index.ts';
import type { Query } from '../../../../../db/ranking/retrieve/query.ts';
import { define, NO_FACTS, named, SchemaHistory } from '../../../../../db/ranking/schema/index.ts';
import type { EntityKind } from '../../../../../db/ranking/schema/model.ts';
import { EXAMPLE_DEFINITIONS } from '../language/example-definitions.ts';

export const NOW = 1_780_000_000_000_000 as Micros;

export function historyOf(...texts: readonly string[]): SchemaHistory {
  const history = new SchemaHistory();
  for (const text of texts) extend(history, text);
  return history;
}

export function extend(history: SchemaHistory, script: string): void {
  for (const statement of parseScript(script)) {
    const { definition, permission } = statement as DefineStatement;
    const { change } = define(history.record, definition, permission, NO_FACTS);
    if (change !== null) history.applyChange(change);
  }
}

export const history = historyOf(...Object.values(EXAMPLE_DEFINITIONS));
export const schema = history.current;

export function kind(name: string): EntityKind {
  return named(schema.kinds, name)!;
}

/** i1 … i9, u1 … u9, c1 … c9 by kind, numbered as they are called. */
function numberOf(of: KindId, key: string): EntityNumber {
  const letter = schema.kinds.find(({ id }) => id === of)?.name[0];
  return (new RegExp(`^${letter}[1-9]$`).test(key) ? Number(key[1]) : 0) as EntityNumber;
}

export function inputOf(parameters: Parameters, from: SchemaHistory): BindInput {
  return {
    entities: { schema: from.current, numberOf },
    parameters,
    now: NOW,
    profileVersion: (name, version) => from.profile(name, version),
  };
}

export function bound(text: string, parameters: Parameters = []): Query {
  return boundIn(history, text, parameters);
}

export function boundIn(from: SchemaHistory, text: string, parameters: Parameters = []): Query {
  return bindQuery(parse(text) as QueryStatement, inputOf(parameters, from));
}
